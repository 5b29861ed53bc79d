// PolicySql: a policy author's own statement with its parameters.
#include "host/store/policy_sql.h"

#include <optional>

namespace impulse::store {
namespace {

/// Gives a statement back when its run ends.
struct ResetAtEnd {
  SqlStatement& statement;
  ~ResetAtEnd() { statement.reset(); }
};

void bind(SqlStatement& statement, int index, const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    statement.bind_integer(index, *number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    statement.bind_double(index, *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    statement.bind_text(index, *text);
  } else {
    statement.bind_null(index);
  }
}

/// Named ones go to their names, the others to what is left, in order.
Result<void> bind_all(SqlStatement& statement, const PolicySql& asked) {
  const auto count = static_cast<std::size_t>(statement.parameter_count());
  std::vector<const SqlValue*> values(count);
  for (const auto& [name, value] : asked.parameters) {
    if (name.empty()) continue;
    const int index =
        statement.parameter_index(name.front() == ':' ? std::string_view(name).substr(1) : name);
    if (index == 0) {
      return Error{ErrorCode::kInvalid, "parameter '" + name + "' does not occur in the statement"};
    }
    values[static_cast<std::size_t>(index) - 1] = &value;
  }
  std::size_t next = 0;
  for (const auto& [name, value] : asked.parameters) {
    if (!name.empty()) continue;
    while (next < count && values[next] != nullptr) ++next;
    if (next == count) {
      return Error{ErrorCode::kInvalid, std::to_string(asked.parameters.size()) +
                                            " parameters for a statement that has " +
                                            std::to_string(count)};
    }
    values[next] = &value;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] == nullptr) {
      return Error{ErrorCode::kInvalid, "parameter " + std::to_string(i + 1) + " of " +
                                            std::to_string(count) + " was not given a value"};
    }
    bind(statement, static_cast<int>(i) + 1, *values[i]);
  }
  return {};
}

class PolicyRead final : public Read {
 public:
  PolicyRead(event::Loop& loop, std::size_t bytes, PolicySql asked, Done<Rows> done)
      : Read(loop, bytes), asked_(std::move(asked)), done_(std::move(done)) {}
  void run(SqlConnection& connection) override {
    auto statement = connection.prepare(asked_.statement, SqlConnection::Author::kPolicy);
    if (statement) {
      answer_ = run_policy_sql(**statement, asked_);
    } else {
      answer_ = std::move(statement).error();
    }
  }
  void fail(const Error& error) override { answer_ = error; }
  void deliver() override { done_(std::move(*answer_)); }

 private:
  PolicySql asked_;
  Done<Rows> done_;
  std::optional<Result<Rows>> answer_;
};

class PolicyWrite final : public Write {
 public:
  PolicyWrite(event::Loop& loop, std::size_t bytes, PolicySql asked, Done<Rows> done)
      : Write(loop, bytes), asked_(std::move(asked)), done_(std::move(done)) {}
  Outcome apply(SqlConnection& connection) override {
    auto statement = connection.prepare(asked_.statement, SqlConnection::Author::kPolicy);
    if (!statement) {
      answer_ = std::move(statement).error();
      return Outcome::kFailed;
    }
    if ((*statement)->is_readonly()) return Outcome::kIsRead;
    answer_ = run_policy_sql(**statement, asked_);
    return answer_->has_value() ? Outcome::kApplied : Outcome::kFailed;
  }
  std::unique_ptr<Read> take_read() override {
    return std::make_unique<PolicyRead>(loop(), bytes(), std::move(asked_), std::move(done_));
  }
  void fail(const Error& error) override { answer_ = error; }
  void deliver() override { done_(std::move(*answer_)); }

 private:
  PolicySql asked_;
  Done<Rows> done_;
  std::optional<Result<Rows>> answer_;
};

}  // namespace

Result<Rows> run_policy_sql(SqlStatement& statement, const PolicySql& asked) {
  ResetAtEnd at_end{statement};
  if (auto bound = bind_all(statement, asked); !bound) return std::move(bound).error();
  Rows rows;
  for (int i = 0; i < statement.column_count(); ++i) {
    rows.columns.push_back(statement.column_name(i));
  }
  for (;;) {
    auto row = statement.step();
    if (!row) return std::move(row).error();
    if (!*row) return rows;
    auto& values = rows.rows.emplace_back();
    values.reserve(rows.columns.size());
    for (int i = 0; i < statement.column_count(); ++i) values.push_back(statement.value(i));
  }
}

std::unique_ptr<Write> make_policy_call(event::Loop& loop, PolicySql asked, Done<Rows> done) {
  std::size_t bytes = asked.statement.size();
  for (const auto& [name, value] : asked.parameters) {
    const auto* text = std::get_if<std::string>(&value);
    bytes += name.size() + (text != nullptr ? text->size() : sizeof value);
  }
  return std::make_unique<PolicyWrite>(loop, bytes, std::move(asked), std::move(done));
}

}  // namespace impulse::store
