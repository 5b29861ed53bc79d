// Tests of plain SQL over modules/ds_sqlite: binding, order, what is refused.
#include <gtest/gtest.h>

#include <latch>
#include <string>
#include <vector>

#include "t/unit/modules/ds_sqlite_fixture.h"

namespace impulse::ds_sqlite {
namespace {

TEST_F(DsSqlite, SqlBindsByPositionAndByName) {
  open();
  ASSERT_TRUE(sql("CREATE TABLE people (name TEXT PRIMARY KEY, age INTEGER, height REAL, x)"));
  ASSERT_TRUE(sql("INSERT INTO people VALUES (?, ?, ?, ?)",
                  {{"", "juliet"}, {"", std::int64_t{13}}, {"", 1.5}, {"", nullptr}}));
  ASSERT_TRUE(sql("INSERT INTO people VALUES (:n, :a, ?, NULL)",
                  {{"a", std::int64_t{16}}, {"", 1.8}, {":n", "romeo"}}));
  const Rows rows =
      sql("SELECT * FROM people WHERE age < :most ORDER BY age DESC", {{"most", std::int64_t{20}}})
          .value();
  EXPECT_EQ(rows.columns, (std::vector<std::string>{"name", "age", "height", "x"}));
  ASSERT_EQ(rows.rows.size(), 2u);
  EXPECT_EQ(rows.rows[0], (std::vector<SqlValue>{"romeo", std::int64_t{16}, 1.8, nullptr}));
  EXPECT_EQ(rows.rows[1], (std::vector<SqlValue>{"juliet", std::int64_t{13}, 1.5, nullptr}));
  const Rows deleted = sql("DELETE FROM people WHERE age > 14 RETURNING name").value();
  ASSERT_EQ(deleted.rows.size(), 1u);
  EXPECT_EQ(deleted.rows[0][0], SqlValue("romeo"));
  reopen();
  EXPECT_EQ(sql("SELECT name FROM people;  -- and no more\n").value().rows.size(), 1u);
}

TEST_F(DsSqlite, SqlKeepsTheOrderOfItsCalls) {
  open();
  std::latch finished(4);
  std::size_t rows = 99;
  const auto ok = [&](Result<Rows> result) {
    EXPECT_TRUE(result) << result.error().what;
    finished.count_down();
  };
  db_->sql(loop(), "CREATE TABLE t (n INTEGER)", {}, ok);
  db_->sql(loop(), "INSERT INTO t VALUES (1)", {}, ok);
  db_->sql(loop(), "WITH one AS (SELECT 2) INSERT INTO t SELECT * FROM one", {}, ok);
  db_->sql(loop(), "SELECT n FROM t", {}, [&](Result<Rows> result) {
    rows = result.value().rows.size();
    finished.count_down();
  });
  finished.wait();
  EXPECT_EQ(rows, 2u);
}

TEST_F(DsSqlite, SqlThatWouldBreakTheDatasourceIsRefused) {
  open();
  ASSERT_TRUE(sql("CREATE TABLE t (n INTEGER PRIMARY KEY)"));
  ASSERT_TRUE(sql("INSERT INTO t VALUES (1)"));
  const struct {
    const char* statement;
    Parameters parameters;
    ErrorCode code;
  } rows[] = {
      {"BEGIN", {}, ErrorCode::kDenied},
      {"COMMIT", {}, ErrorCode::kDenied},
      {"ROLLBACK", {}, ErrorCode::kDenied},
      {"SAVEPOINT x", {}, ErrorCode::kDenied},
      {"RELEASE one", {}, ErrorCode::kDenied},
      {"PRAGMA synchronous = OFF", {}, ErrorCode::kDenied},
      {"ATTACH '/etc/passwd' AS p", {}, ErrorCode::kDenied},
      {"INSERT INTO t VALUES (2); DROP TABLE t", {}, ErrorCode::kInvalid},
      {"SELEKT 1", {}, ErrorCode::kInvalid},
      {"", {}, ErrorCode::kInvalid},
      {"-- nothing", {}, ErrorCode::kInvalid},
      {"SELECT * FROM nowhere", {}, ErrorCode::kInvalid},
      {"SELECT ?", {}, ErrorCode::kInvalid},
      {"SELECT 1", {{"", "x"}}, ErrorCode::kInvalid},
      {"SELECT :a", {{"b", "x"}}, ErrorCode::kInvalid},
      {"INSERT INTO t VALUES (1)", {}, ErrorCode::kExists},
      {"INSERT INTO t VALUES ('x')", {}, ErrorCode::kInvalid},
  };
  for (const auto& row : rows) {
    const auto result = sql(row.statement, row.parameters);
    ASSERT_FALSE(result) << row.statement;
    EXPECT_EQ(result.error().code, row.code) << row.statement << ": " << result.error().what;
  }
  EXPECT_FALSE(sql(std::string("SELECT 1\0 junk", 14)));
  EXPECT_EQ(sql("SELECT n FROM t").value().rows.size(), 1u);
}

TEST_F(DsSqlite, AFailingStatementLeavesItsNeighboursInTheSameTransaction) {
  open();
  ASSERT_TRUE(sql("CREATE TABLE t (n INTEGER PRIMARY KEY)"));
  std::latch finished(300);
  std::atomic<int> failed = 0;
  for (int i = 0; i < 100; ++i) {
    const SqlValue number = std::int64_t{i};
    for (int twice = 0; twice < 2; ++twice) {
      db_->sql(loop(), "INSERT INTO t VALUES (?)", {{"", number}}, [&](Result<Rows> result) {
        if (!result) ++failed;
        finished.count_down();
      });
    }
    db_->keyval_set(loop(), "s", std::to_string(i), "d", [&](Result<void> result) {
      EXPECT_TRUE(result);
      finished.count_down();
    });
  }
  finished.wait();
  EXPECT_EQ(failed, 100);
  EXPECT_EQ(sql("SELECT * FROM t").value().rows.size(), 100u);
  EXPECT_EQ(sql("SELECT * FROM impulse_keyval").value().rows.size(), 100u);
}

}  // namespace
}  // namespace impulse::ds_sqlite
