// PolicySql: a policy author's own statement with its parameters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "host/store/call.h"
#include "host/store/datasource.h"
#include "host/store/sql_connection.h"

namespace impulse::store {

/// What Datasource::sql was asked.
struct PolicySql {
  std::string statement;
  std::vector<std::pair<std::string, SqlValue>> parameters;
};

/// Binds and runs it. Errors: kInvalid for SQL that is wrong or parameters that do not fit.
Result<Rows> run_policy_sql(SqlStatement& statement, const PolicySql& asked);

/// A call of Datasource::sql. It goes through the writer's queue, where the database itself says
/// whether it changes anything; if not, it goes on to the readers.
std::unique_ptr<Write> make_policy_call(event::Loop& loop, PolicySql asked, Done<Rows> done);

}  // namespace impulse::store
