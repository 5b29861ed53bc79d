// SqliteStatement: host/store's SqlStatement over SQLite.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "host/base/owned.h"
#include "modules/ds_sqlite/sqlite_connection.h"

namespace impulse::ds_sqlite {

using StatementPtr = Owned<sqlite3_stmt, &sqlite3_finalize>;

/// Belongs to a connection, which outlives it. One at a time.
class SqliteStatement final : public store::SqlStatement {
 public:
  SqliteStatement(const SqliteConnection& connection, StatementPtr statement)
      : connection_(connection), statement_(std::move(statement)) {}

  bool is_readonly() const override { return sqlite3_stmt_readonly(statement_.get()) != 0; }
  int parameter_count() const override { return sqlite3_bind_parameter_count(statement_.get()); }
  int parameter_index(std::string_view name) const override {
    return sqlite3_bind_parameter_index(statement_.get(), (":" + std::string(name)).c_str());
  }

  void bind_null(int index) override { note(sqlite3_bind_null(statement_.get(), index)); }
  void bind_integer(int index, std::int64_t value) override {
    note(sqlite3_bind_int64(statement_.get(), index, value));
  }
  void bind_double(int index, double value) override {
    note(sqlite3_bind_double(statement_.get(), index, value));
  }
  void bind_text(int index, std::string_view text) override {
    // A null pointer would bind NULL. Nothing is copied: the text lives until reset().
    const char* bytes = text.data() != nullptr ? text.data() : "";
    note(sqlite3_bind_text64(statement_.get(), index, bytes, text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
  }

  Result<bool> step() override {
    if (bind_failure_ != SQLITE_OK) return connection_.failure(bind_failure_);
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return connection_.failure(code);
  }
  void reset() override {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    bind_failure_ = SQLITE_OK;
  }

  int column_count() const override { return sqlite3_column_count(statement_.get()); }
  std::string column_name(int column) const override {
    const char* name = sqlite3_column_name(statement_.get(), column);
    return name != nullptr ? name : "";
  }
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_.get(), column);
  }
  std::string_view text(int column) const override {
    const auto* bytes = sqlite3_column_text(statement_.get(), column);
    if (bytes == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
  }
  store::SqlValue value(int column) const override {
    switch (sqlite3_column_type(statement_.get(), column)) {
      case SQLITE_NULL:
        return nullptr;
      case SQLITE_INTEGER:
        return integer(column);
      case SQLITE_FLOAT:
        return sqlite3_column_double(statement_.get(), column);
      default:  // SQLITE_TEXT, SQLITE_BLOB
        return std::string(text(column));
    }
  }

 private:
  void note(int code) {
    if (code != SQLITE_OK) bind_failure_ = code;
  }

  const SqliteConnection& connection_;
  StatementPtr statement_;
  int bind_failure_ = SQLITE_OK;
};

}  // namespace impulse::ds_sqlite
