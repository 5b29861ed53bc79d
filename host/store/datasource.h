// A datasource: keyval, map, archive and SQL over one database, and what "written" promises.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "host/base/function.h"
#include "host/base/result.h"
#include "host/event/loop.h"

namespace impulse::store {

/// A column of a row, or a bound parameter.
using SqlValue = std::variant<std::nullptr_t, std::int64_t, double, std::string>;
/// Rows with their column names.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<SqlValue>> rows;
};

/// One entry of an archive.
struct ArchiveEntry {
  std::int64_t id = 0;       ///< grows with each entry of the datasource; unique
  std::int64_t time_us = 0;  ///< wall time in microseconds since 1970
  std::string peer;          ///< whom it concerns (bare JID), indexed
  std::string tag;           ///< free (stanza id), indexed
  std::string body;          ///< the entry itself
};
/// Which entries of an archive; unset members do not restrict.
struct ArchiveQuery {
  std::optional<std::int64_t> after_id = {};   ///< only larger ids
  std::optional<std::int64_t> before_id = {};  ///< only smaller ids
  std::optional<std::int64_t> start_us = {};   ///< this time and later
  std::optional<std::int64_t> end_us = {};     ///< this time and earlier
  std::string peer = {};
  bool newest_first = false;
  std::uint32_t limit = 0;  ///< 0 = all
};

/// A change of one row of a map: a value to set, or nullopt to delete.
using MapChange = std::pair<std::string, std::optional<std::string>>;

template <class T>
using Done = UniqueFunction<void(Result<T>)>;

/// One database. All calls: any loop's thread (or any other with a loop); they return at once,
/// and `done` runs later on `loop`. A write's `done` runs after the change is on disk (group
/// commit: writes that arrive close together share one transaction). Calls of one thread take
/// effect in order, also without waiting for `done`: a read sees all writes asked for before it and
/// none asked for after it. (One exception: a SELECT given to sql() may also see later writes.)
/// A database that cannot follow answers kUnavailable at once when too much waits already.
///
/// `store` names what is kept ("roster", "offline"); `owner` is a bare JID or another key. Every
/// loop that is given must outlive the datasource.
class Datasource {
 public:
  virtual ~Datasource() = default;
  virtual const std::string& name() const = 0;

  // keyval: one document per owner
  virtual void keyval_get(event::Loop& loop, std::string store, std::string owner,
                          Done<std::optional<std::string>> done) = 0;
  virtual void keyval_set(event::Loop& loop, std::string store, std::string owner,
                          std::optional<std::string> document, Done<void> done) = 0;

  // map: many small rows per owner
  virtual void map_get(event::Loop& loop, std::string store, std::string owner, std::string key,
                       Done<std::optional<std::string>> done) = 0;
  virtual void map_all(event::Loop& loop, std::string store, std::string owner,
                       Done<std::vector<std::pair<std::string, std::string>>> done) = 0;
  /// All changes or none.
  virtual void map_change(event::Loop& loop, std::string store, std::string owner,
                          std::vector<MapChange> changes, Done<void> done) = 0;
  /// Sets the row unless there is one already; answers whether it did. A driver that cannot do
  /// this in one step answers kDenied.
  virtual void map_insert(event::Loop& loop, std::string store, std::string owner, std::string key,
                          std::string value, Done<bool> done);
  /// The owners that have rows in `store`, in order.
  virtual void map_owners(event::Loop& loop, std::string store,
                          Done<std::vector<std::string>> done) = 0;

  // archive: append-only, indexed by time, peer and id
  /// Answers the new entry's id (entry.id is ignored).
  virtual void archive_append(event::Loop& loop, std::string store, std::string owner,
                              ArchiveEntry entry, Done<std::int64_t> done) = 0;
  virtual void archive_find(event::Loop& loop, std::string store, std::string owner,
                            ArchiveQuery query, Done<std::vector<ArchiveEntry>> done) = 0;
  virtual void archive_count(event::Loop& loop, std::string store, std::string owner,
                             Done<std::int64_t> done) = 0;
  /// Deletes entries with id <= up_to_id (all when unset). Answers how many.
  virtual void archive_delete(event::Loop& loop, std::string store, std::string owner,
                              std::optional<std::int64_t> up_to_id, Done<std::int64_t> done) = 0;

  /// Plain SQL with bound parameters: pairs with an empty name fill the `?` in order, the others
  /// their `:name`. A statement that changes anything is a write and is durable when done. One
  /// statement at a time; transactions, PRAGMA and ATTACH are refused with kDenied.
  virtual void sql(event::Loop& loop, std::string statement,
                   std::vector<std::pair<std::string, SqlValue>> parameters, Done<Rows> done) = 0;

  /// Deletes everything of one owner in all stores (an account that was removed).
  virtual void erase_owner(event::Loop& loop, std::string owner, Done<void> done) = 0;

  /// Waits until every write asked for so far is on disk. Main thread, at shutdown.
  virtual void flush() = 0;
};

/// Opens a database for the part of a uri behind "scheme:". May block (start-up).
using DriverFactory = std::function<Result<std::unique_ptr<Datasource>>(
    const std::string& name, const std::string& rest_of_uri)>;

/// Datasources by name, drivers by scheme. add_driver and open: main thread; find: any thread.
class Datasources {
 public:
  void add_driver(std::string scheme, DriverFactory factory);
  /// Opens it unless it is open under this name with this uri; a changed uri needs a restart.
  Result<Datasource*> open(const std::string& name, const std::string& uri);
  /// nullptr when there is none of this name.
  Datasource* find(std::string_view name) const;
  /// Waits until every write is on disk. Main thread.
  void flush_all();
  /// Writes and answers all that waits, then closes. Main thread, while the loops still exist and
  /// when nobody uses a datasource any more.
  void close_all();

 private:
  struct Open {
    std::string uri;
    std::unique_ptr<Datasource> datasource;
  };
  mutable std::mutex mutex_;  // guards both maps
  std::map<std::string, DriverFactory, std::less<>> drivers_;
  std::map<std::string, Open, std::less<>> open_;
};

}  // namespace impulse::store
