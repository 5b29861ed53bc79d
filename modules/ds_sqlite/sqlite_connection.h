// SqliteConnection: host/store's SqlConnection over SQLite.
#pragma once

#include <sqlite3.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/owned.h"
#include "host/store/sql_connection.h"

namespace impulse::ds_sqlite {

class SqliteStatement;

/// One connection, in WAL mode, with a disk that is waited for at each commit. One at a time.
class SqliteConnection final : public store::SqlConnection {
 public:
  /// Opens the database file at `path`. For writing a missing file is made (0640), a missing
  /// directory is not.
  static Result<std::unique_ptr<store::SqlConnection>> open(const std::string& path,
                                                            store::Access access);
  ~SqliteConnection() override;

  const store::SqlDialect& dialect() const override;
  Result<store::SqlStatement*> prepare(std::string_view sql, Author author) override;
  Result<void> execute(const std::string& script) override;
  Result<void> begin_write() override { return run("BEGIN IMMEDIATE"); }
  Result<void> begin_read() override;
  Result<void> commit() override { return run("COMMIT"); }
  void rollback() override;
  Result<void> mark() override { return run("SAVEPOINT one"); }
  Result<void> keep() override { return run("RELEASE one"); }
  Result<void> undo() override;
  bool in_transaction() const override;
  std::int64_t changed() const override;
  void tend() override;

  /// The failure that SQLite just reported, as a sentence for people.
  Error failure(int code) const;

 private:
  using Statements = std::map<std::string, std::unique_ptr<SqliteStatement>, std::less<>>;

  SqliteConnection(std::string path, sqlite3* database);
  Result<void> set_up(store::Access access);
  Result<void> run(std::string_view sql);
  Result<std::unique_ptr<SqliteStatement>> compile(std::string_view sql) const;
  static int authorize(void* self, int action, const char*, const char*, const char*, const char*);

  std::string path_;
  Owned<sqlite3, &sqlite3_close> database_;
  Statements host_statements_;    ///< few, kept for good; end before database_
  Statements policy_statements_;  ///< bounded
  bool policing_ = false;         ///< a policy author's statement is being compiled
  int wal_pages_ = 0;             ///< in the write-ahead log after the last commit
  int checkpoint_at_;             ///< wal_pages_ from which tend() works
};

}  // namespace impulse::ds_sqlite
