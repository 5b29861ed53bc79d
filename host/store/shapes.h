// Shapes: keyval, map and archive as SQL over one connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/store/datasource.h"
#include "host/store/sql_connection.h"

/// The meaning of each is said at the Datasource member of the same name. These block; whoever
/// calls them has begun a transaction.
namespace impulse::store::shapes {

Result<std::optional<std::string>> keyval_get(SqlConnection& connection, std::string_view store,
                                              std::string_view owner);
Result<void> keyval_set(SqlConnection& connection, std::string_view store, std::string_view owner,
                        const std::optional<std::string>& document);

Result<std::optional<std::string>> map_get(SqlConnection& connection, std::string_view store,
                                           std::string_view owner, std::string_view key);
Result<std::vector<std::pair<std::string, std::string>>> map_all(SqlConnection& connection,
                                                                 std::string_view store,
                                                                 std::string_view owner);
Result<void> map_change(SqlConnection& connection, std::string_view store, std::string_view owner,
                        const std::vector<MapChange>& changes);
Result<bool> map_insert(SqlConnection& connection, std::string_view store, std::string_view owner,
                        std::string_view key, std::string_view value);
Result<std::vector<std::string>> map_owners(SqlConnection& connection, std::string_view store);

Result<std::int64_t> archive_append(SqlConnection& connection, std::string_view store,
                                    std::string_view owner, const ArchiveEntry& entry);
Result<std::vector<ArchiveEntry>> archive_find(SqlConnection& connection, std::string_view store,
                                               std::string_view owner, const ArchiveQuery& query);
Result<std::int64_t> archive_count(SqlConnection& connection, std::string_view store,
                                   std::string_view owner);
Result<std::int64_t> archive_delete(SqlConnection& connection, std::string_view store,
                                    std::string_view owner, std::optional<std::int64_t> up_to_id);

Result<void> erase_owner(SqlConnection& connection, std::string_view owner);

}  // namespace impulse::store::shapes
