// StatementRun: one execution of a prepared statement, from bind to reset.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host/store/sql_connection.h"

namespace impulse::store {

/// Prepares, binds in order, steps, and resets when it ends. What is bound as text must outlive
/// it. One at a time.
class StatementRun {
 public:
  template <class... Values>
  StatementRun(SqlConnection& connection, std::string_view sql, const Values&... values) {
    auto prepared = connection.prepare(sql);
    if (!prepared) {
      error_ = std::move(prepared).error();
      return;
    }
    statement_ = *prepared;
    (bind(values), ...);
  }
  ~StatementRun() {
    if (statement_ != nullptr) statement_->reset();
  }
  StatementRun(const StatementRun&) = delete;
  StatementRun& operator=(const StatementRun&) = delete;

  void bind(std::string_view text) {
    if (statement_) statement_->bind_text(++bound_, text);
  }
  void bind(const std::string& text) { bind(std::string_view(text)); }
  void bind(std::int64_t number) {
    if (statement_) statement_->bind_integer(++bound_, number);
  }
  /// A text, or NULL.
  void bind(const std::optional<std::string_view>& text) {
    if (!statement_) return;
    if (text) return bind(*text);
    statement_->bind_null(++bound_);
  }

  /// True: a row is there.
  Result<bool> next() {
    if (statement_ == nullptr) return *error_;
    return statement_->step();
  }
  /// Runs a statement to its end.
  Result<void> finish() {
    for (;;) {
      auto row = next();
      if (!row) return std::move(row).error();
      if (!*row) return {};
    }
  }
  std::int64_t integer(int column) const { return statement_->integer(column); }
  std::string text(int column) const { return std::string(statement_->text(column)); }

 private:
  SqlStatement* statement_ = nullptr;
  std::optional<Error> error_;
  int bound_ = 0;
};

}  // namespace impulse::store
