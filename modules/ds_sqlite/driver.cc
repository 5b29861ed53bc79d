// The driver behind "sqlite:": from the rest of a uri to a Datasource.
#include "modules/ds_sqlite/driver.h"

#include "host/store/sql_connection.h"
#include "modules/ds_sqlite/sqlite_connection.h"

namespace impulse::ds_sqlite {

Result<std::unique_ptr<store::Datasource>> open_datasource(const std::string& name,
                                                           const std::string& rest_of_uri) {
  if (rest_of_uri == ":memory:") {
    return Error{ErrorCode::kInvalid,
                 "sqlite::memory: is not possible, as nothing in it would survive: name a file"};
  }
  if (rest_of_uri.empty() || rest_of_uri.front() != '/' || rest_of_uri.back() == '/' ||
      rest_of_uri.find('\0') != std::string::npos) {
    return Error{ErrorCode::kInvalid, "sqlite:" + rest_of_uri +
                                          ": must be the absolute path of a file, as "
                                          "sqlite:/path/to/file.db"};
  }
  return store::open_sql_datasource(
      name, [&](store::Access access) { return SqliteConnection::open(rest_of_uri, access); });
}

}  // namespace impulse::ds_sqlite
