// A SQLite datasource in a scratch folder, and its calls waited for: what its tests share.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "modules/ds_sqlite/driver.h"
#include "t/unit/host/loop_runner.h"

namespace impulse::ds_sqlite {

using store::ArchiveEntry;
using store::ArchiveQuery;
using store::Datasource;
using store::MapChange;
using store::Rows;
using store::SqlValue;
using Text = std::optional<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;
using Parameters = std::vector<std::pair<std::string, SqlValue>>;

/// Runs SQL on the file as another program would. Answers the first column of the first row.
inline std::string other_program(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  std::string first;
  const auto row = [](void* out, int count, char** values, char**) {
    if (count > 0 && values[0] != nullptr) static_cast<std::string*>(out)->assign(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), row, &first, nullptr), SQLITE_OK)
      << sqlite3_errmsg(database);
  sqlite3_close(database);
  return first;
}

class DsSqlite : public ::testing::Test {
 protected:
  DsSqlite() {
    std::string pattern = ::testing::TempDir() + "ds_sqlite_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/test.db";
  }
  ~DsSqlite() override {
    close();
    std::filesystem::remove_all(directory_);
  }

  void open() {
    auto opened = open_datasource("main", path_);
    ASSERT_TRUE(opened) << opened.error().what;
    db_ = std::move(*opened);
    if (runner_ == nullptr) runner_ = std::make_unique<LoopRunner>();
  }
  void close() {
    db_.reset();
    runner_.reset();
  }
  void reopen() {
    close();
    open();
  }
  event::Loop& loop() { return runner_->loop(); }
  template <class T, class Ask>
  Result<T> wait(Ask ask) {
    return runner_->wait<T>(std::move(ask));
  }

  // The datasource's calls, waited for.
  Text get(std::string store, std::string owner) {
    return wait<Text>([&](auto done) { db_->keyval_get(loop(), store, owner, std::move(done)); })
        .value();
  }
  Result<void> set(std::string store, std::string owner, Text document) {
    return wait<void>([&](auto done) {
      db_->keyval_set(loop(), store, owner, std::move(document), std::move(done));
    });
  }
  Result<void> change(std::string store, std::string owner, std::vector<MapChange> changes) {
    return wait<void>([&](auto done) {
      db_->map_change(loop(), store, owner, std::move(changes), std::move(done));
    });
  }
  Pairs all(std::string store, std::string owner) {
    return wait<Pairs>([&](auto done) { db_->map_all(loop(), store, owner, std::move(done)); })
        .value();
  }
  bool insert(std::string store, std::string owner, std::string key, std::string value) {
    return wait<bool>([&](auto done) {
             db_->map_insert(loop(), store, owner, key, value, std::move(done));
           })
        .value();
  }
  std::vector<std::string> owners(std::string store) {
    return wait<std::vector<std::string>>(
               [&](auto done) { db_->map_owners(loop(), store, std::move(done)); })
        .value();
  }
  std::int64_t append(std::string store, std::string owner, ArchiveEntry entry) {
    return wait<std::int64_t>([&](auto done) {
             db_->archive_append(loop(), store, owner, std::move(entry), std::move(done));
           })
        .value();
  }
  Result<std::vector<ArchiveEntry>> find(std::string store, std::string owner, ArchiveQuery query) {
    return wait<std::vector<ArchiveEntry>>([&](auto done) {
      db_->archive_find(loop(), store, owner, std::move(query), std::move(done));
    });
  }
  std::string bodies(std::string store, std::string owner, ArchiveQuery query = {}) {
    std::string joined;
    const std::vector<ArchiveEntry> entries = find(store, owner, std::move(query)).value();
    for (const auto& entry : entries) joined += entry.body;
    return joined;
  }
  std::int64_t count(std::string store, std::string owner) {
    return wait<std::int64_t>(
               [&](auto done) { db_->archive_count(loop(), store, owner, std::move(done)); })
        .value();
  }
  std::int64_t erase(std::string store, std::string owner, std::optional<std::int64_t> up_to) {
    return wait<std::int64_t>([&](auto done) {
             db_->archive_delete(loop(), store, owner, up_to, std::move(done));
           })
        .value();
  }
  Result<Rows> sql(std::string statement, Parameters parameters = {}) {
    return wait<Rows>([&](auto done) {
      db_->sql(loop(), std::move(statement), std::move(parameters), std::move(done));
    });
  }

  std::string directory_;
  std::string path_;
  std::unique_ptr<LoopRunner> runner_;
  std::unique_ptr<Datasource> db_;
};

}  // namespace impulse::ds_sqlite
