// SqlDatasource: the Datasource over a driver's connections: one writer, some readers.
#include <array>
#include <utility>

#include "host/store/call_queue.h"
#include "host/store/migrations.h"
#include "host/store/policy_sql.h"
#include "host/store/reader.h"
#include "host/store/shapes.h"
#include "host/store/sql_connection.h"
#include "host/store/writer.h"

namespace impulse::store {
namespace {

/// Threads that answer keyval, map and archive reads; one more serves sql().
constexpr std::size_t kShapeReaders = 2;

/// About what a call holds besides its texts.
constexpr std::size_t kCallBytes = 256;

template <class... Texts>
std::size_t bytes_of(const Texts&... texts) {
  return (kCallBytes + ... + texts.size());
}

/// Any thread; the members that call say nothing of it are of the base's comment.
class SqlDatasource final : public Datasource {
 public:
  SqlDatasource(std::string name, std::unique_ptr<SqlConnection> writer,
                std::array<std::unique_ptr<SqlConnection>, kShapeReaders> shape_readers,
                std::unique_ptr<SqlConnection> policy_reader)
      : name_(std::move(name)) {
    writer_ = std::make_unique<Writer>(name_, std::move(writer), queue_);
    for (auto& connection : shape_readers) {
      readers_.push_back(
          std::make_unique<Reader>(name_, Reader::Serves::kShapes, std::move(connection), queue_));
    }
    readers_.push_back(
        std::make_unique<Reader>(name_, Reader::Serves::kPolicy, std::move(policy_reader), queue_));
  }

  ~SqlDatasource() override {
    // The writer first: it may wait for reads to begin, and hands reads on.
    queue_.stop_writes();
    writer_.reset();
    queue_.stop_reads();
    readers_.clear();
  }

  const std::string& name() const override { return name_; }

  void keyval_get(event::Loop& loop, std::string store, std::string owner,
                  Done<std::optional<std::string>> done) override {
    read(
        loop,
        [store = std::move(store), owner = std::move(owner)](SqlConnection& connection) {
          return shapes::keyval_get(connection, store, owner);
        },
        std::move(done));
  }

  void keyval_set(event::Loop& loop, std::string store, std::string owner,
                  std::optional<std::string> document, Done<void> done) override {
    const std::size_t bytes = bytes_of(store, owner) + (document ? document->size() : 0);
    write(
        loop, bytes,
        [store = std::move(store), owner = std::move(owner),
         document = std::move(document)](SqlConnection& connection) {
          return shapes::keyval_set(connection, store, owner, document);
        },
        std::move(done));
  }

  void map_get(event::Loop& loop, std::string store, std::string owner, std::string key,
               Done<std::optional<std::string>> done) override {
    read(
        loop,
        [store = std::move(store), owner = std::move(owner), key = std::move(key)](
            SqlConnection& connection) { return shapes::map_get(connection, store, owner, key); },
        std::move(done));
  }

  void map_all(event::Loop& loop, std::string store, std::string owner,
               Done<std::vector<std::pair<std::string, std::string>>> done) override {
    read(
        loop,
        [store = std::move(store), owner = std::move(owner)](SqlConnection& connection) {
          return shapes::map_all(connection, store, owner);
        },
        std::move(done));
  }

  void map_change(event::Loop& loop, std::string store, std::string owner,
                  std::vector<MapChange> changes, Done<void> done) override {
    std::size_t bytes = bytes_of(store, owner);
    for (const auto& [key, value] : changes) {
      bytes += kCallBytes + key.size() + (value ? value->size() : 0);
    }
    write(
        loop, bytes,
        [store = std::move(store), owner = std::move(owner),
         changes = std::move(changes)](SqlConnection& connection) {
          return shapes::map_change(connection, store, owner, changes);
        },
        std::move(done));
  }

  void map_insert(event::Loop& loop, std::string store, std::string owner, std::string key,
                  std::string value, Done<bool> done) override {
    const std::size_t bytes = bytes_of(store, owner, key, value);
    write(
        loop, bytes,
        [store = std::move(store), owner = std::move(owner), key = std::move(key),
         value = std::move(value)](SqlConnection& connection) {
          return shapes::map_insert(connection, store, owner, key, value);
        },
        std::move(done));
  }

  void map_owners(event::Loop& loop, std::string store,
                  Done<std::vector<std::string>> done) override {
    read(
        loop,
        [store = std::move(store)](SqlConnection& connection) {
          return shapes::map_owners(connection, store);
        },
        std::move(done));
  }

  void archive_append(event::Loop& loop, std::string store, std::string owner, ArchiveEntry entry,
                      Done<std::int64_t> done) override {
    const std::size_t bytes = bytes_of(store, owner, entry.peer, entry.tag, entry.body);
    write(
        loop, bytes,
        [store = std::move(store), owner = std::move(owner),
         entry = std::move(entry)](SqlConnection& connection) {
          return shapes::archive_append(connection, store, owner, entry);
        },
        std::move(done));
  }

  void archive_find(event::Loop& loop, std::string store, std::string owner, ArchiveQuery query,
                    Done<std::vector<ArchiveEntry>> done) override {
    read(
        loop,
        [store = std::move(store), owner = std::move(owner),
         query = std::move(query)](SqlConnection& connection) {
          return shapes::archive_find(connection, store, owner, query);
        },
        std::move(done));
  }

  void archive_count(event::Loop& loop, std::string store, std::string owner,
                     Done<std::int64_t> done) override {
    read(
        loop,
        [store = std::move(store), owner = std::move(owner)](SqlConnection& connection) {
          return shapes::archive_count(connection, store, owner);
        },
        std::move(done));
  }

  void archive_delete(event::Loop& loop, std::string store, std::string owner,
                      std::optional<std::int64_t> up_to_id, Done<std::int64_t> done) override {
    const std::size_t bytes = bytes_of(store, owner);
    write(
        loop, bytes,
        [store = std::move(store), owner = std::move(owner), up_to_id](SqlConnection& connection) {
          return shapes::archive_delete(connection, store, owner, up_to_id);
        },
        std::move(done));
  }

  void sql(event::Loop& loop, std::string statement,
           std::vector<std::pair<std::string, SqlValue>> parameters, Done<Rows> done) override {
    queue_.push(
        make_policy_call(loop, {std::move(statement), std::move(parameters)}, std::move(done)));
  }

  void erase_owner(event::Loop& loop, std::string owner, Done<void> done) override {
    const std::size_t bytes = bytes_of(owner);
    write(
        loop, bytes,
        [owner = std::move(owner)](SqlConnection& connection) {
          return shapes::erase_owner(connection, owner);
        },
        std::move(done));
  }

  void flush() override { queue_.wait_until_settled(); }

 private:
  template <class T, class Work>
  void read(event::Loop& loop, Work work, Done<T> done) {
    queue_.push(std::unique_ptr<Read>(
        std::make_unique<ReadOf<T, Work>>(loop, kCallBytes, std::move(work), std::move(done))));
  }
  template <class T, class Work>
  void write(event::Loop& loop, std::size_t bytes, Work work, Done<T> done) {
    queue_.push(std::unique_ptr<Write>(
        std::make_unique<WriteOf<T, Work>>(loop, bytes, std::move(work), std::move(done))));
  }

  std::string name_;
  CallQueue queue_;
  std::unique_ptr<Writer> writer_;
  std::vector<std::unique_ptr<Reader>> readers_;
};

}  // namespace

Result<std::unique_ptr<Datasource>> open_sql_datasource(std::string name,
                                                        const ConnectionOpener& open) {
  auto writer = open(Access::kWrite);
  if (!writer) return std::move(writer).error();
  if (auto ok = migrate(**writer); !ok) return std::move(ok).error();
  std::array<std::unique_ptr<SqlConnection>, kShapeReaders> readers;
  for (auto& reader : readers) {
    auto connection = open(Access::kRead);
    if (!connection) return std::move(connection).error();
    reader = std::move(*connection);
  }
  auto policy = open(Access::kRead);
  if (!policy) return std::move(policy).error();
  return std::unique_ptr<Datasource>(std::make_unique<SqlDatasource>(
      std::move(name), std::move(*writer), std::move(readers), std::move(*policy)));
}

}  // namespace impulse::store
