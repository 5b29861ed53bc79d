// Migrations: numbered changes of our tables, applied when a database is opened.
#pragma once

#include "host/base/result.h"
#include "host/store/sql_connection.h"

namespace impulse::store {

/// The number of the newest migration that this program knows.
int newest_schema();

/// Brings the database to newest_schema(), each step in its own transaction. A database that is
/// already newer is left alone and answers kInvalid.
Result<void> migrate(SqlConnection& connection);

}  // namespace impulse::store
