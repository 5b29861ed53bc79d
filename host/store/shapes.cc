// Shapes: keyval, map and archive as SQL over one connection.
#include "host/store/shapes.h"

#include "host/store/statement_run.h"

namespace impulse::store::shapes {
namespace {

Result<std::optional<std::string>> first_text(StatementRun& run) {
  auto row = run.next();
  if (!row) return std::move(row).error();
  if (!*row) return std::optional<std::string>{};
  return std::optional<std::string>{run.text(0)};
}

Result<std::vector<std::string>> all_texts(StatementRun& run) {
  std::vector<std::string> texts;
  for (;;) {
    auto row = run.next();
    if (!row) return std::move(row).error();
    if (!*row) return texts;
    texts.push_back(run.text(0));
  }
}

}  // namespace

Result<std::optional<std::string>> keyval_get(SqlConnection& connection, std::string_view store,
                                              std::string_view owner) {
  StatementRun run(connection, "SELECT document FROM impulse_keyval WHERE store = ? AND owner = ?",
                   store, owner);
  return first_text(run);
}

Result<void> keyval_set(SqlConnection& connection, std::string_view store, std::string_view owner,
                        const std::optional<std::string>& document) {
  if (!document) {
    return StatementRun(connection, "DELETE FROM impulse_keyval WHERE store = ? AND owner = ?",
                        store, owner)
        .finish();
  }
  return StatementRun(connection,
                      "INSERT INTO impulse_keyval (store, owner, document) VALUES (?, ?, ?) "
                      "ON CONFLICT (store, owner) DO UPDATE SET document = excluded.document",
                      store, owner, *document)
      .finish();
}

Result<std::optional<std::string>> map_get(SqlConnection& connection, std::string_view store,
                                           std::string_view owner, std::string_view key) {
  StatementRun run(connection,
                   "SELECT value FROM impulse_map WHERE store = ? AND owner = ? AND key = ?", store,
                   owner, key);
  return first_text(run);
}

Result<std::vector<std::pair<std::string, std::string>>> map_all(SqlConnection& connection,
                                                                 std::string_view store,
                                                                 std::string_view owner) {
  StatementRun run(connection,
                   "SELECT key, value FROM impulse_map WHERE store = ? AND owner = ? ORDER BY key",
                   store, owner);
  std::vector<std::pair<std::string, std::string>> rows;
  for (;;) {
    auto row = run.next();
    if (!row) return std::move(row).error();
    if (!*row) return rows;
    rows.emplace_back(run.text(0), run.text(1));
  }
}

Result<void> map_change(SqlConnection& connection, std::string_view store, std::string_view owner,
                        const std::vector<MapChange>& changes) {
  for (const auto& [key, value] : changes) {
    Result<void> done;
    if (value) {
      done = StatementRun(connection,
                          "INSERT INTO impulse_map (store, owner, key, value) VALUES (?, ?, ?, ?) "
                          "ON CONFLICT (store, owner, key) DO UPDATE SET value = excluded.value",
                          store, owner, key, *value)
                 .finish();
    } else {
      done = StatementRun(connection,
                          "DELETE FROM impulse_map WHERE store = ? AND owner = ? AND key = ?",
                          store, owner, key)
                 .finish();
    }
    if (!done) return done;
  }
  return {};
}

Result<bool> map_insert(SqlConnection& connection, std::string_view store, std::string_view owner,
                        std::string_view key, std::string_view value) {
  StatementRun run(connection,
                   "INSERT INTO impulse_map (store, owner, key, value) VALUES (?, ?, ?, ?) "
                   "ON CONFLICT (store, owner, key) DO NOTHING",
                   store, owner, key, value);
  if (auto done = run.finish(); !done) return std::move(done).error();
  return connection.changed() == 1;
}

Result<std::vector<std::string>> map_owners(SqlConnection& connection, std::string_view store) {
  // PERF: jumps from owner to owner through the key; SELECT DISTINCT would walk every row.
  StatementRun run(connection,
                   "WITH RECURSIVE o (owner) AS ("
                   "SELECT MIN(owner) FROM impulse_map WHERE store = ? UNION ALL "
                   "SELECT (SELECT MIN(owner) FROM impulse_map WHERE store = ? AND owner > o.owner)"
                   " FROM o WHERE o.owner IS NOT NULL) "
                   "SELECT owner FROM o WHERE owner IS NOT NULL ORDER BY owner",
                   store, store);
  return all_texts(run);
}

Result<std::int64_t> archive_append(SqlConnection& connection, std::string_view store,
                                    std::string_view owner, const ArchiveEntry& entry) {
  // A tag that is not there is NULL: its index holds only those that are.
  std::optional<std::string_view> tag;
  if (!entry.tag.empty()) tag = entry.tag;
  StatementRun run(connection,
                   "INSERT INTO impulse_archive (store, owner, time_us, peer, tag, body) "
                   "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
                   store, owner, entry.time_us, entry.peer, tag, entry.body);
  auto row = run.next();
  if (!row) return std::move(row).error();
  const std::int64_t id = *row ? run.integer(0) : 0;
  if (auto done = run.finish(); !done) return std::move(done).error();
  return id;
}

Result<std::vector<ArchiveEntry>> archive_find(SqlConnection& connection, std::string_view store,
                                               std::string_view owner, const ArchiveQuery& query) {
  // Each combination of restrictions is its own statement, prepared once: 128 at most.
  std::string sql =
      "SELECT id, time_us, peer, COALESCE(tag, ''), body FROM impulse_archive "
      "WHERE store = ? AND owner = ?";
  if (!query.peer.empty()) sql += " AND peer = ?";
  if (query.after_id) sql += " AND id > ?";
  if (query.before_id) sql += " AND id < ?";
  if (query.start_us) sql += " AND time_us >= ?";
  if (query.end_us) sql += " AND time_us <= ?";
  sql += query.newest_first ? " ORDER BY id DESC" : " ORDER BY id";
  if (query.limit > 0) sql += " LIMIT ?";
  StatementRun run(connection, sql, store, owner);
  if (!query.peer.empty()) run.bind(query.peer);
  for (const auto& bound : {query.after_id, query.before_id, query.start_us, query.end_us}) {
    if (bound) run.bind(*bound);
  }
  if (query.limit > 0) run.bind(std::int64_t{query.limit});

  std::vector<ArchiveEntry> entries;
  for (;;) {
    auto row = run.next();
    if (!row) return std::move(row).error();
    if (!*row) return entries;
    entries.push_back({run.integer(0), run.integer(1), run.text(2), run.text(3), run.text(4)});
  }
}

Result<std::int64_t> archive_count(SqlConnection& connection, std::string_view store,
                                   std::string_view owner) {
  StatementRun run(connection, "SELECT COUNT(*) FROM impulse_archive WHERE store = ? AND owner = ?",
                   store, owner);
  auto row = run.next();
  if (!row) return std::move(row).error();
  return *row ? run.integer(0) : 0;
}

Result<std::int64_t> archive_delete(SqlConnection& connection, std::string_view store,
                                    std::string_view owner, std::optional<std::int64_t> up_to_id) {
  std::string sql = "DELETE FROM impulse_archive WHERE store = ? AND owner = ?";
  if (up_to_id) sql += " AND id <= ?";
  StatementRun run(connection, sql, store, owner);
  if (up_to_id) run.bind(*up_to_id);
  if (auto done = run.finish(); !done) return std::move(done).error();
  return connection.changed();
}

Result<void> erase_owner(SqlConnection& connection, std::string_view owner) {
  for (const std::string table : {"impulse_keyval", "impulse_map", "impulse_archive"}) {
    // Every index begins with the store: go from store to store, then to the owner in each.
    std::vector<std::string> stores;
    {
      StatementRun run(connection, "WITH RECURSIVE s (store) AS (SELECT MIN(store) FROM " + table +
                                       " UNION ALL SELECT (SELECT MIN(store) FROM " + table +
                                       " WHERE store > s.store) FROM s WHERE s.store IS NOT NULL) "
                                       "SELECT store FROM s WHERE store IS NOT NULL");
      auto found = all_texts(run);
      if (!found) return std::move(found).error();
      stores = std::move(*found);
    }
    for (const std::string& store : stores) {
      const std::string sql = "DELETE FROM " + table + " WHERE store = ? AND owner = ?";
      if (auto done = StatementRun(connection, sql, store, owner).finish(); !done) return done;
    }
  }
  return {};
}

}  // namespace impulse::store::shapes
