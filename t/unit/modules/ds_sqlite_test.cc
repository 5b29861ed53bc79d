// Tests of modules/ds_sqlite with host/store over it: what is asked, in which order, what survives.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <latch>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "host/store/migrations.h"
#include "modules/ds_sqlite/driver.h"
#include "modules/ds_sqlite/sqlite_connection.h"
#include "t/unit/host/loop_runner.h"
#include "t/unit/modules/ds_sqlite_fixture.h"

namespace impulse::ds_sqlite {
namespace {

TEST_F(DsSqlite, KeyvalKeepsOneDocumentPerStoreAndOwner) {
  open();
  EXPECT_EQ(get("vcard", "juliet@example.com"), std::nullopt);
  ASSERT_TRUE(set("vcard", "juliet@example.com", "one"));
  ASSERT_TRUE(set("vcard", "juliet@example.com", "two"));
  ASSERT_TRUE(set("vcard", "romeo@example.net", "his"));
  ASSERT_TRUE(set("private", "juliet@example.com", "hers"));
  EXPECT_EQ(get("vcard", "juliet@example.com"), "two");
  ASSERT_TRUE(set("vcard", "juliet@example.com", std::nullopt));
  EXPECT_EQ(get("vcard", "juliet@example.com"), std::nullopt);
  EXPECT_EQ(get("vcard", "romeo@example.net"), "his");
  EXPECT_EQ(get("private", "juliet@example.com"), "hers");
}

TEST_F(DsSqlite, AnyBytesComeBackAsTheyWere) {
  open();
  const std::string bytes("\0a\xff\xfe'\"\n;--\0", 11);
  ASSERT_TRUE(set("s", bytes, bytes));
  ASSERT_TRUE(set("s", "empty", ""));
  EXPECT_EQ(get("s", bytes), bytes);
  EXPECT_EQ(get("s", "empty"), "");
  ASSERT_TRUE(change("m", "o", {{bytes, bytes}, {"", ""}}));
  EXPECT_EQ(all("m", "o"), (Pairs{{"", ""}, {bytes, bytes}}));
}

TEST_F(DsSqlite, AMapChangesRowsOfOneOwnerOnly) {
  open();
  ASSERT_TRUE(change("roster", "juliet", {{"nurse", "1"}, {"romeo", "2"}, {"paris", "3"}}));
  ASSERT_TRUE(change("roster", "romeo", {{"juliet", "4"}}));
  ASSERT_TRUE(change("roster", "juliet", {{"paris", std::nullopt}, {"romeo", "5"}}));
  EXPECT_EQ(all("roster", "juliet"), (Pairs{{"nurse", "1"}, {"romeo", "5"}}));
  EXPECT_EQ(all("roster", "romeo"), (Pairs{{"juliet", "4"}}));
  const auto one = wait<Text>(
      [&](auto done) { db_->map_get(loop(), "roster", "juliet", "nurse", std::move(done)); });
  EXPECT_EQ(one.value(), "1");
  const auto none = wait<Text>(
      [&](auto done) { db_->map_get(loop(), "roster", "romeo", "nurse", std::move(done)); });
  EXPECT_EQ(none.value(), std::nullopt);
  EXPECT_EQ(owners("roster"), (std::vector<std::string>{"juliet", "romeo"}));
  EXPECT_TRUE(owners("nothing").empty());
}

TEST_F(DsSqlite, InsertTellsWhetherTheRowWasNew) {
  open();
  EXPECT_TRUE(insert("accounts", "example.com", "juliet", "first"));
  EXPECT_FALSE(insert("accounts", "example.com", "juliet", "second"));
  EXPECT_TRUE(insert("accounts", "example.net", "juliet", "other"));
  EXPECT_EQ(all("accounts", "example.com"), (Pairs{{"juliet", "first"}}));
}

TEST_F(DsSqlite, AnArchiveIsFoundByIdTimeAndPeer) {
  open();
  const auto a = append("mam", "juliet", {0, 100, "romeo", "t1", "a"});
  const auto b = append("mam", "juliet", {0, 200, "nurse", "", "b"});
  append("mam", "romeo", {0, 150, "juliet", "", "x"});
  const auto c = append("mam", "juliet", {0, 300, "romeo", "t3", "c"});
  EXPECT_LT(a, b);
  EXPECT_LT(b, c);
  EXPECT_EQ(bodies("mam", "juliet"), "abc");
  EXPECT_EQ(bodies("mam", "juliet", {.newest_first = true}), "cba");
  EXPECT_EQ(bodies("mam", "juliet", {.newest_first = true, .limit = 2}), "cb");
  EXPECT_EQ(bodies("mam", "juliet", {.limit = 1}), "a");
  EXPECT_EQ(bodies("mam", "juliet", {.peer = "romeo"}), "ac");
  EXPECT_EQ(bodies("mam", "juliet", {.after_id = a}), "bc");
  EXPECT_EQ(bodies("mam", "juliet", {.before_id = c}), "ab");
  EXPECT_EQ(bodies("mam", "juliet", {.start_us = 200}), "bc");
  EXPECT_EQ(bodies("mam", "juliet", {.end_us = 200}), "ab");
  EXPECT_EQ(bodies("mam", "juliet",
                   {.after_id = 0,
                    .before_id = c + 1,
                    .start_us = 100,
                    .end_us = 300,
                    .peer = "romeo",
                    .newest_first = true,
                    .limit = 5}),
            "ca");
  const auto found = find("mam", "juliet", {}).value();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].id, a);
  EXPECT_EQ(found[0].time_us, 100);
  EXPECT_EQ(found[0].peer, "romeo");
  EXPECT_EQ(found[0].tag, "t1");
  EXPECT_EQ(found[1].tag, "");
}

TEST_F(DsSqlite, AnArchiveIsCountedAndCut) {
  open();
  const auto a = append("offline", "juliet", {0, 1, "p", "", "a"});
  append("offline", "juliet", {0, 2, "p", "", "b"});
  append("offline", "romeo", {0, 3, "p", "", "x"});
  EXPECT_EQ(count("offline", "juliet"), 2);
  EXPECT_EQ(erase("offline", "juliet", a), 1);
  EXPECT_EQ(bodies("offline", "juliet"), "b");
  EXPECT_EQ(erase("offline", "juliet", std::nullopt), 1);
  EXPECT_EQ(count("offline", "juliet"), 0);
  EXPECT_EQ(count("offline", "romeo"), 1);
}

TEST_F(DsSqlite, AnArchiveIdIsNeverGivenTwice) {
  open();
  const auto before = append("offline", "juliet", {0, 1, "p", "", "a"});
  erase("offline", "juliet", std::nullopt);
  reopen();
  EXPECT_GT(append("offline", "juliet", {0, 2, "p", "", "b"}), before);
}

TEST_F(DsSqlite, ErasingAnOwnerLeavesTheOthers) {
  open();
  for (const std::string owner : {"juliet", "romeo"}) {
    for (const std::string name : {"one", "two"}) {
      ASSERT_TRUE(set(name, owner, "d"));
      ASSERT_TRUE(change(name, owner, {{"k", "v"}}));
      append(name, owner, {0, 1, "p", "", "e"});
    }
  }
  ASSERT_TRUE(wait<void>([&](auto done) { db_->erase_owner(loop(), "juliet", std::move(done)); }));
  for (const std::string name : {"one", "two"}) {
    EXPECT_EQ(get(name, "juliet"), std::nullopt);
    EXPECT_TRUE(all(name, "juliet").empty());
    EXPECT_EQ(count(name, "juliet"), 0);
    EXPECT_EQ(get(name, "romeo"), "d");
    EXPECT_EQ(all(name, "romeo").size(), 1u);
    EXPECT_EQ(count(name, "romeo"), 1);
  }
}

// The rules of datasource.h about order, without waiting in between.
TEST_F(DsSqlite, AReadSeesTheWritesAskedForBeforeItAndNoneAfterIt) {
  open();
  for (int i = 0; i < 200; ++i) {
    std::latch finished(5);
    std::atomic<std::size_t> spooled = 99;
    Text first;
    const auto wrote = [&finished](auto result) {
      EXPECT_TRUE(result);
      finished.count_down();
    };
    db_->archive_append(loop(), "offline", "juliet", {0, 1, "p", "", "m"}, wrote);
    db_->archive_find(loop(), "offline", "juliet", {}, [&](auto found) {
      spooled = found.value().size();
      finished.count_down();
    });
    db_->archive_delete(loop(), "offline", "juliet", std::nullopt, wrote);
    db_->keyval_set(loop(), "n", "juliet", std::to_string(i), wrote);
    db_->keyval_get(loop(), "n", "juliet", [&](auto found) {
      first = found.value();
      finished.count_down();
    });
    finished.wait();
    EXPECT_EQ(spooled, 1u);
    EXPECT_EQ(first, std::to_string(i));
  }
}

TEST_F(DsSqlite, ManyLoopsWriteAtOnceAndEachKeepsItsOrder) {
  open();
  constexpr int kEach = 200;
  std::mutex mutex;
  std::set<std::int64_t> ids;
  std::latch finished(4 * kEach);
  std::vector<std::unique_ptr<LoopRunner>> runners;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    runners.push_back(std::make_unique<LoopRunner>());
    threads.emplace_back([&, t, &here = runners.back()->loop()] {
      for (int i = 0; i < kEach; ++i) {
        db_->archive_append(here, "log", std::to_string(t), {0, i, "p", "", "b"},
                            [&, here = &here](Result<std::int64_t> id) {
                              EXPECT_TRUE(here->is_here());
                              std::lock_guard lock(mutex);
                              EXPECT_TRUE(ids.insert(id.value()).second);
                              finished.count_down();
                            });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  finished.wait();
  for (int t = 0; t < 4; ++t) {
    const auto entries = find("log", std::to_string(t), {}).value();
    ASSERT_EQ(entries.size(), static_cast<std::size_t>(kEach));
    for (int i = 0; i < kEach; ++i) {
      EXPECT_EQ(entries[static_cast<std::size_t>(i)].time_us, i);
    }
  }
}

TEST_F(DsSqlite, FlushReturnsWhenOtherProgramsSeeEveryWrite) {
  open();
  for (int i = 0; i < 500; ++i) {
    db_->keyval_set(loop(), "s", std::to_string(i), "d", [](Result<void>) {});
  }
  db_->flush();
  EXPECT_EQ(other_program(path_, "SELECT COUNT(*) FROM impulse_keyval"), "500");
}

TEST_F(DsSqlite, ClosingWritesAndAnswersWhatWaits) {
  open();
  std::atomic<int> answered = 0;
  for (int i = 0; i < 500; ++i) {
    db_->keyval_set(loop(), "s", std::to_string(i), "d", [&](Result<void> done) {
      if (done) ++answered;
    });
    db_->keyval_get(loop(), "s", std::to_string(i), [&](auto found) {
      if (found.value() == "d") ++answered;
    });
  }
  db_.reset();
  ASSERT_TRUE(wait<void>(
      [&](auto done) { loop().post([done = std::move(done)]() mutable { done({}); }); }));
  EXPECT_EQ(answered, 1000);
  open();
  EXPECT_EQ(get("s", "499"), "d");
}

TEST_F(DsSqlite, EveryCommitWaitsForTheDisk) {
  open();
  auto connection = SqliteConnection::open(path_, store::Access::kWrite);
  ASSERT_TRUE(connection);
  const auto setting = [&](const char* pragma) {
    auto statement = (*connection)->prepare(pragma, store::SqlConnection::Author::kHost).value();
    EXPECT_TRUE(statement->step().value());
    return std::string(statement->text(0));
  };
  EXPECT_EQ(setting("PRAGMA synchronous"), "2");  // FULL
  EXPECT_EQ(setting("PRAGMA journal_mode"), "wal");
}

// A process that acknowledges writes is killed; whatever it acknowledged must be there.
TEST_F(DsSqlite, WhatWasAcknowledgedSurvivesKillMinusNine) {
  for (int round = 0; round < 3; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      open();
      std::atomic<std::uint32_t> next = 0;
      std::function<void()> write_one = [&] {
        const std::uint32_t number = next++;
        db_->archive_append(loop(), "round" + std::to_string(round), "o",
                            {0, number, "p", "", std::string(500, 'b')},
                            [&, number](Result<std::int64_t> id) {
                              if (!id) ::_exit(2);
                              if (::write(pipe_ends[1], &number, sizeof number) < 0) ::_exit(3);
                              write_one();
                            });
      };
      for (int i = 0; i < 32; ++i) write_one();
      for (;;) ::pause();
    }
    ::close(pipe_ends[1]);
    std::set<std::uint32_t> acknowledged;
    for (std::uint32_t number = 0; ::read(pipe_ends[0], &number, sizeof number) > 0;) {
      acknowledged.insert(number);
      if (acknowledged.size() == 400) ::kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    ASSERT_GE(acknowledged.size(), 400u);

    open();
    std::set<std::int64_t> found;
    const std::vector<ArchiveEntry> kept = find("round" + std::to_string(round), "o", {}).value();
    for (const auto& entry : kept) {
      EXPECT_EQ(entry.body.size(), 500u);
      EXPECT_TRUE(found.insert(entry.time_us).second);
    }
    for (std::uint32_t number : acknowledged) EXPECT_TRUE(found.contains(number)) << number;
    close();
  }
  EXPECT_EQ(other_program(path_, "PRAGMA integrity_check"), "ok");
}

// Stands in for a full disk: the file may not grow, and write() fails.
TEST_F(DsSqlite, ADiskThatTakesNoMoreIsAnErrorAndNeverDamage) {
  open();
  ASSERT_TRUE(set("s", "before", "d"));
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 400'000;
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Result<void> big = set("s", "big", std::string(2'000'000, 'x'));
  const Result<void> little = set("s", "little", "d");
  ::setrlimit(RLIMIT_FSIZE, &before);
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().code, ErrorCode::kUnavailable) << big.error().what;
  EXPECT_TRUE(little) << little.error().what;
  ASSERT_TRUE(set("s", "big", std::string(2'000'000, 'y')));
  reopen();
  EXPECT_EQ(get("s", "before"), "d");
  EXPECT_EQ(get("s", "little"), "d");
  EXPECT_EQ(get("s", "big"), std::string(2'000'000, 'y'));
  EXPECT_EQ(other_program(path_, "PRAGMA integrity_check"), "ok");
}

TEST_F(DsSqlite, TheWriteAheadLogDoesNotGrowWithoutEnd) {
  open();
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 50; ++j) {
      db_->keyval_set(loop(), "s", std::to_string(i * 50 + j), std::string(8000, 'x'),
                      [](Result<void>) {});
    }
    db_->flush();
  }
  EXPECT_LT(std::filesystem::file_size(path_ + "-wal"), 10'000'000u);
  EXPECT_GT(std::filesystem::file_size(path_), 8'000'000u);
}

TEST_F(DsSqlite, AnotherProgramsLockIsWaitedFor) {
  open();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::atomic<bool> done = false;
  std::latch answered(1);
  db_->keyval_set(loop(), "s", "o", "d", [&](Result<void> result) {
    EXPECT_TRUE(result);
    done = true;
    answered.count_down();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_FALSE(done);
  sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  answered.wait();
}

TEST_F(DsSqlite, ANewFileIsNotReadableByOthers) {
  open();
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137u, 0u);
}

TEST_F(DsSqlite, ADatabaseOfANewerProgramIsRefusedAndLeftAlone) {
  open();
  close();
  other_program(path_, "INSERT INTO impulse_schema VALUES (99, 0)");
  auto opened = open_datasource("main", path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  EXPECT_NE(opened.error().what.find("schema 99"), std::string::npos) << opened.error().what;
  EXPECT_EQ(other_program(path_, "SELECT COUNT(*) FROM impulse_schema"), "2");
}

TEST_F(DsSqlite, MigrationsAreAppliedOnce) {
  open();
  ASSERT_TRUE(set("s", "o", "d"));
  reopen();
  EXPECT_EQ(get("s", "o"), "d");
  EXPECT_EQ(other_program(path_, "SELECT COUNT(*) FROM impulse_schema"),
            std::to_string(store::newest_schema()));
}

TEST_F(DsSqlite, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(8192, 'x');
  auto opened = open_datasource("main", path_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kInvalid);
  EXPECT_NE(opened.error().what.find(path_), std::string::npos);
  EXPECT_NE(opened.error().what.find("not an SQLite database"), std::string::npos)
      << opened.error().what;
}

TEST_F(DsSqlite, DamageIsAnErrorOfTheReadThatMeetsIt) {
  open();
  ASSERT_TRUE(set("small", "o", "d"));
  for (int i = 0; i < 200; ++i) {
    db_->archive_append(loop(), "a", "o", {0, i, "p", "", std::string(3000, 'b')},
                        [](Result<std::int64_t>) {});
  }
  close();
  {
    // From the middle on, where only the archive is.
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path_));
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(size / 2);
    file << std::string(static_cast<std::size_t>(size / 2), '\x77');
  }
  open();
  const auto found = find("a", "o", {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(found.error().what.find("damaged"), std::string::npos) << found.error().what;
  EXPECT_EQ(get("small", "o"), "d");
}

TEST_F(DsSqlite, AUriThatNamesNoUsableFileIsRefused) {
  const struct {
    std::string rest;
    std::string expected;
  } rows[] = {
      {":memory:", "name a file"},
      {"", "absolute path"},
      {"relative.db", "absolute path"},
      {directory_ + "/", "absolute path"},
      {directory_, "is not a file"},
      {directory_ + "/missing/test.db", "'" + directory_ + "/missing' does not exist"},
  };
  for (const auto& row : rows) {
    auto opened = open_datasource("main", row.rest);
    ASSERT_FALSE(opened) << row.rest;
    EXPECT_NE(opened.error().what.find(row.expected), std::string::npos) << opened.error().what;
  }
}

TEST_F(DsSqlite, ADatasourceIsOpenedOnceByItsNameAndUri) {
  runner_ = std::make_unique<LoopRunner>();
  store::Datasources datasources;
  const auto none = datasources.open("main", "sqlite:" + path_);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().what.find("no driver is loaded"), std::string::npos) << none.error().what;
  datasources.add_driver("sqlite", &open_datasource);
  auto opened = datasources.open("main", "sqlite:" + path_);
  ASSERT_TRUE(opened) << opened.error().what;
  EXPECT_EQ((*opened)->name(), "main");
  EXPECT_EQ(datasources.open("main", "sqlite:" + path_).value(), *opened);
  EXPECT_EQ(datasources.find("main"), *opened);
  EXPECT_EQ(datasources.find("other"), nullptr);

  const auto moved = datasources.open("main", "sqlite:" + path_ + "2");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, ErrorCode::kExists);
  const auto unknown = datasources.open("secret", "pgsql:host=h;password=p4ss");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_NE(unknown.error().what.find("known are: sqlite"), std::string::npos);
  EXPECT_EQ(unknown.error().what.find("p4ss"), std::string::npos);
  EXPECT_FALSE(datasources.open("bad", "no scheme"));
  EXPECT_FALSE(datasources.open("", "sqlite:" + path_));
  datasources.flush_all();
  datasources.close_all();
  EXPECT_EQ(datasources.find("main"), nullptr);
}

}  // namespace
}  // namespace impulse::ds_sqlite
