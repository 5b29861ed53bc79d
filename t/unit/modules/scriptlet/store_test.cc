// Tests of msys.store and msys.db over a datasource that records what it is asked.
#include <map>
#include <optional>

#include "t/unit/modules/scriptlet/script_fixture.h"

namespace impulse::scriptlet {
namespace {

using store::ArchiveEntry;
using store::ArchiveQuery;
using store::Done;
using store::MapChange;
using store::SqlValue;
using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Keeps documents and rows in memory, on the one loop of the test; store "broken" always fails.
class FakeDatasource final : public store::Datasource {
 public:
  explicit FakeDatasource(std::string name) : name_(std::move(name)) {}
  const std::string& name() const override { return name_; }

  void keyval_get(event::Loop& loop, std::string store, std::string owner,
                  Done<std::optional<std::string>> done) override {
    const auto at = texts_.find(store + "/" + owner);
    answer<std::optional<std::string>>(
        loop, store, std::move(done),
        at == texts_.end() ? std::nullopt : std::optional(at->second));
  }
  void keyval_set(event::Loop& loop, std::string store, std::string owner,
                  std::optional<std::string> document, Done<void> done) override {
    document ? static_cast<void>(texts_[store + "/" + owner] = *document)
             : static_cast<void>(texts_.erase(store + "/" + owner));
    answer_void(loop, store, std::move(done));
  }
  void map_get(event::Loop& loop, std::string store, std::string owner, std::string key,
               Done<std::optional<std::string>> done) override {
    keyval_get(loop, store, owner + "/" + key, std::move(done));
  }
  void map_all(event::Loop& loop, std::string store, std::string owner, Done<Pairs> done) override {
    Pairs rows;
    const std::string prefix = store + "/" + owner + "/";
    for (const auto& [key, value] : texts_) {
      if (key.starts_with(prefix)) rows.emplace_back(key.substr(prefix.size()), value);
    }
    answer<Pairs>(loop, store, std::move(done), std::move(rows));
  }
  void map_change(event::Loop& loop, std::string store, std::string owner,
                  std::vector<MapChange> changes, Done<void> done) override {
    for (auto& [key, value] : changes) {
      const std::string at = store + "/" + owner + "/" + key;
      value ? static_cast<void>(texts_[at] = *value) : static_cast<void>(texts_.erase(at));
    }
    answer_void(loop, store, std::move(done));
  }
  void map_insert(event::Loop& loop, std::string store, std::string owner, std::string key,
                  std::string value, Done<bool> done) override {
    answer<bool>(loop, store, std::move(done),
                 texts_.emplace(store + "/" + owner + "/" + key, value).second);
  }
  void map_owners(event::Loop& loop, std::string store, Done<Texts> done) override {
    answer<Texts>(loop, store, std::move(done), {"a", "b"});
  }
  void archive_append(event::Loop& loop, std::string store, std::string, ArchiveEntry entry,
                      Done<std::int64_t> done) override {
    entry.id = static_cast<std::int64_t>(archive_.size()) + 1;
    archive_.push_back(entry);
    answer<std::int64_t>(loop, store, std::move(done), entry.id);
  }
  void archive_find(event::Loop& loop, std::string store, std::string, ArchiveQuery query,
                    Done<std::vector<ArchiveEntry>> done) override {
    query_ = query;
    answer<std::vector<ArchiveEntry>>(loop, store, std::move(done), archive_);
  }
  void archive_count(event::Loop& loop, std::string store, std::string,
                     Done<std::int64_t> done) override {
    answer<std::int64_t>(loop, store, std::move(done), static_cast<std::int64_t>(archive_.size()));
  }
  void archive_delete(event::Loop& loop, std::string store, std::string,
                      std::optional<std::int64_t> up_to_id, Done<std::int64_t> done) override {
    answer<std::int64_t>(loop, store, std::move(done), up_to_id.value_or(-1));
  }
  void sql(event::Loop& loop, std::string statement,
           std::vector<std::pair<std::string, SqlValue>> parameters,
           Done<store::Rows> done) override {
    parameters_ = std::move(parameters);
    store::Rows rows{{"n", "s", "r", "z"}, {{std::int64_t{1}, "one", 0.5, nullptr}}};
    rows.rows.push_back({std::int64_t{2}, "two", 1.5, nullptr});
    answer<store::Rows>(loop, statement, std::move(done), std::move(rows));
  }
  void erase_owner(event::Loop& loop, std::string, Done<void> done) override {
    answer_void(loop, "", std::move(done));
  }
  void flush() override {}

  ArchiveQuery query_;
  std::vector<std::pair<std::string, SqlValue>> parameters_;

 private:
  template <class T>
  void answer(event::Loop& loop, const std::string& store, Done<T> done, T value) {
    Result<T> result = store == "broken" ? Result<T>(Error{ErrorCode::kUnavailable, "disk gone"})
                                         : Result<T>(std::move(value));
    loop.post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }
  void answer_void(event::Loop& loop, const std::string& store, Done<void> done) {
    Result<void> result;
    if (store == "broken") result = Error{ErrorCode::kUnavailable, "disk gone"};
    loop.post([done = std::move(done), result = std::move(result)]() mutable {
      done(std::move(result));
    });
  }

  std::string name_;
  std::map<std::string, std::string> texts_;
  std::vector<ArchiveEntry> archive_;
};

class Storing : public ScriptTest {
 protected:
  Storing() {
    datasources_.add_driver("fake", [this](const std::string& name, const std::string&) {
      auto made = std::make_unique<FakeDatasource>(name);
      fake_ = made.get();
      return Result<std::unique_ptr<store::Datasource>>(std::move(made));
    });
    EXPECT_TRUE(datasources_.open("main", "fake:"));
    manager().set_default_datasource([this] { return datasources_.find("main"); });
  }
  ~Storing() override { stop_loops(); }

  /// Runs the lines in a coroutine that may wait, then reports "done".
  void lines(const std::string& body) {
    run("local store = require('msys.store')\nlocal db = require('msys.db')\n"
        "msys.timer.after(0, function()\n" +
        body + "\nreport('done') end)");
  }
  FakeDatasource* fake_ = nullptr;
};

TEST_F(Storing, DocumentsAreKeptByteForByte) {
  lines(R"(
assert(store.keyval_get("doc", "juliet") == nil)
assert(store.keyval_set("doc", "juliet", "a\0b\255") == true)
assert(store.keyval_get("doc", "juliet") == "a\0b\255")
assert(store.keyval_get("doc", "romeo") == nil and store.keyval_get("other", "juliet") == nil)
assert(store.keyval_set("doc", "juliet", nil) == true and store.keyval_get("doc", "juliet") == nil))");
  EXPECT_EQ(reports(1), Texts{"done"});
}

TEST_F(Storing, NothingAndFailedAreToldApart) {
  lines(R"(
report(select("#", store.keyval_get("doc", "x")))
local value, err = store.keyval_get("broken", "x")
assert(value == nil and err == "disk gone")
local ok, why = store.map_change("broken", "x", { a = "1" })
assert(ok == nil and why == "disk gone"))");
  EXPECT_EQ(reports(2), (Texts{"1", "done"}));
}

TEST_F(Storing, MapsChangeInOneStep) {
  lines(R"(
assert(store.map_change("m", "o", { a = "1", b = "2" }) == true)
assert(store.map_change("m", "o", { a = false, c = "3" }) == true)
local all = store.map_all("m", "o")
assert(all.a == nil and all.b == "2" and all.c == "3" and next(store.map_all("m", "p")) == nil)
assert(store.map_get("m", "o", "b") == "2" and store.map_get("m", "o", "a") == nil)
assert(store.map_insert("m", "o", "b", "x") == false and store.map_insert("m", "o", "d", "4") == true)
assert(table.concat(store.map_owners("m"), " ") == "a b")
assert(not pcall(store.map_change, "m", "o", { a = 1 }) and not pcall(store.map_change, "m", "o")))");
  EXPECT_EQ(reports(1), Texts{"done"});
}

TEST_F(Storing, ArchivesTakeEveryFieldOfEntryAndQuery) {
  lines(R"(
assert(store.archive_append("a", "o", { peer = "p", tag = "t", body = "b", time = 1.5 }) == 1)
assert(store.archive_append("a", "o", { body = "now" }) == 2)
local found = store.archive_find("a", "o", { after = 1, before = 9, since = 2.5, till = 3,
                                             peer = "p", limit = 7, newest_first = true })
local e = found[1]
assert(#found == 2 and e.id == 1 and e.peer == "p" and e.tag == "t" and e.body == "b" and e.time == 1.5)
assert(math.abs(found[2].time - os.time()) < 5)
assert(store.archive_count("a", "o") == 2)
assert(store.archive_delete("a", "o", 1) == 1 and store.archive_delete("a", "o") == -1)
assert(not pcall(store.archive_find, "a", "o", { limit = {} })))");
  EXPECT_EQ(reports(1), Texts{"done"});
  const ArchiveQuery& query = fake_->query_;
  EXPECT_EQ(query.after_id, 1);
  EXPECT_EQ(query.before_id, 9);
  EXPECT_EQ(query.start_us, 2'500'000);
  EXPECT_EQ(query.end_us, 3'000'000);
  EXPECT_EQ(query.peer, "p");
  EXPECT_EQ(query.limit, 7u);
  EXPECT_TRUE(query.newest_first);
}

TEST_F(Storing, OtherDatasourcesAreOpenedByName) {
  lines(R"(
local other = store.open("main")
assert(other.keyval_set("d", "o", "v") == true and store.keyval_get("d", "o") == "v")
local ok, err = pcall(store.open("none").keyval_get, "d", "o")
report(err))");
  const Texts all = reports(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].find("there is no datasource \"none\""), std::string::npos) << all[0];
}

TEST_F(Storing, SqlGivesRowsByColumnName) {
  lines(R"(
local sum = 0
for row in db.query("main", "select", { "text", 3, 0.5, true }) do sum = sum + row.n end
assert(sum == 3)
local row = db.fetch_row("main", "select", { name = "x" })
assert(row.n == 1 and row.s == "one" and row.r == 0.5 and row.z == nil)
assert(db.execute("main", "update", { json.null }) == true)
local none, err = db.query("main", "broken")
assert(none == nil and err == "disk gone")
assert(select(2, db.execute("none", "x")):find("no datasource"))
report((select(2, pcall(db.fetch_row, "main", "broken", nil, { raise_error = true })))))");
  const Texts all = reports(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0].find("disk gone"), std::string::npos) << all[0];
}

TEST_F(Storing, ParametersKeepTheirTypes) {
  lines("db.execute('main', 'x', { 'text', 3, 0.5, true, name = 'named' })");
  EXPECT_EQ(reports(1), Texts{"done"});
  const std::vector<std::pair<std::string, SqlValue>> expected = {
      {"", "text"}, {"", std::int64_t{3}}, {"", 0.5}, {"", std::int64_t{1}}, {"name", "named"}};
  EXPECT_EQ(fake_->parameters_, expected);
}

}  // namespace
}  // namespace impulse::scriptlet
