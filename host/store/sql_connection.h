// SqlConnection: what a database driver provides; the shapes, migrations and group commit use it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/store/datasource.h"

namespace impulse::store {

/// The words in which databases differ. Everything else we say is understood by SQLite and
/// PostgreSQL alike: `?` for parameters (a driver rewrites it if it must), ON CONFLICT, RETURNING.
struct SqlDialect {
  std::string_view name;          ///< "sqlite"
  std::string_view text_type;     ///< column type for any bytes: "TEXT"
  std::string_view integer_type;  ///< 64 bits: "INTEGER", "BIGINT"
  std::string_view serial_key;    ///< a primary key that only grows and never repeats
  std::string_view clustered;     ///< ends CREATE TABLE of a table kept in key order, may be ""
};

/// A prepared statement of one connection, owned by it. One at a time.
/// Order of use: bind all, step until false, reset. `text` of a bind must live until reset.
class SqlStatement {
 public:
  virtual ~SqlStatement() = default;

  /// Does it leave the database as it is? As the database itself says, not by its words.
  virtual bool is_readonly() const = 0;
  virtual int parameter_count() const = 0;
  /// Position (from 1) of `:name`, given without the colon; 0 when there is none.
  virtual int parameter_index(std::string_view name) const = 0;

  virtual void bind_null(int index) = 0;
  virtual void bind_integer(int index, std::int64_t value) = 0;
  virtual void bind_double(int index, double value) = 0;
  virtual void bind_text(int index, std::string_view text) = 0;

  /// True: a row is there; false: the statement is through. After an error: reset.
  virtual Result<bool> step() = 0;
  /// Ends it: bindings are cleared, locks of a read are given back.
  virtual void reset() = 0;

  virtual int column_count() const = 0;
  virtual std::string column_name(int column) const = 0;
  /// Columns count from 0; views live until the next step or reset.
  virtual std::int64_t integer(int column) const = 0;
  virtual std::string_view text(int column) const = 0;
  virtual SqlValue value(int column) const = 0;
};

/// One connection to a database. One at a time: opened on one thread, then used by another.
class SqlConnection {
 public:
  /// Who wrote a statement: we, or a policy author (then no transactions, PRAGMA, ATTACH).
  enum class Author { kHost, kPolicy };

  virtual ~SqlConnection() = default;
  virtual const SqlDialect& dialect() const = 0;

  /// The statement, prepared the first time. Ours stay for good; of a policy's only the latest
  /// pointer is valid.
  virtual Result<SqlStatement*> prepare(std::string_view sql, Author author = Author::kHost) = 0;
  /// Runs statements without parameters or rows (schema changes).
  virtual Result<void> execute(const std::string& script) = 0;

  /// Starts a transaction that will write: waits for other programs' locks here, not later.
  virtual Result<void> begin_write() = 0;
  /// Starts a transaction that reads. On return its view of the data is fixed.
  virtual Result<void> begin_read() = 0;
  /// Ends it. Of a write: on return the changes are on disk.
  virtual Result<void> commit() = 0;
  /// Undoes it; without a transaction, does nothing.
  virtual void rollback() = 0;
  /// One level inside a transaction: mark, then keep or undo what came after the mark.
  virtual Result<void> mark() = 0;
  virtual Result<void> keep() = 0;
  virtual Result<void> undo() = 0;
  /// False after a failure upon which the database gave up the whole transaction.
  virtual bool in_transaction() const = 0;
  /// Rows changed by the last statement.
  virtual std::int64_t changed() const = 0;

  /// Called by the writer between transactions, while nobody waits: checkpoints and the like.
  virtual void tend() = 0;
};

/// Opens a connection; for a write connection makes a missing database. May block.
enum class Access { kWrite, kRead };
using ConnectionOpener = std::function<Result<std::unique_ptr<SqlConnection>>(Access)>;

/// Makes a Datasource of a driver: applies migrations, starts the writer and the readers.
/// Errors: what the driver said; kInvalid when the database is newer than this program.
Result<std::unique_ptr<Datasource>> open_sql_datasource(std::string name,
                                                        const ConnectionOpener& open);

}  // namespace impulse::store
