// Migrations: numbered changes of our tables, applied when a database is opened.
#include "host/store/migrations.h"

#include <chrono>
#include <string>

#include "host/store/statement_run.h"

namespace impulse::store {
namespace {

/// One migration; {TEXT} {INTEGER} {SERIAL} {CLUSTERED} stand for the dialect's words. Never
/// change one that was released: append the next.
struct Migration {
  int number;
  std::string_view script;
};

constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE impulse_keyval (
  store {TEXT} NOT NULL,
  owner {TEXT} NOT NULL,
  document {TEXT} NOT NULL,
  PRIMARY KEY (store, owner)){CLUSTERED};
CREATE TABLE impulse_map (
  store {TEXT} NOT NULL,
  owner {TEXT} NOT NULL,
  key {TEXT} NOT NULL,
  value {TEXT} NOT NULL,
  PRIMARY KEY (store, owner, key)){CLUSTERED};
CREATE TABLE impulse_archive (
  id {SERIAL},
  store {TEXT} NOT NULL,
  owner {TEXT} NOT NULL,
  time_us {INTEGER} NOT NULL,
  peer {TEXT} NOT NULL,
  tag {TEXT},
  body {TEXT} NOT NULL);
CREATE INDEX impulse_archive_owner ON impulse_archive (store, owner, id);
CREATE INDEX impulse_archive_peer ON impulse_archive (store, owner, peer, id);
CREATE INDEX impulse_archive_time ON impulse_archive (store, owner, time_us);
CREATE INDEX impulse_archive_tag ON impulse_archive (store, owner, tag) WHERE tag IS NOT NULL;
)sql"},
};

std::string in_dialect(std::string_view script, const SqlDialect& dialect) {
  const std::pair<std::string_view, std::string_view> words[] = {
      {"{TEXT}", dialect.text_type},
      {"{INTEGER}", dialect.integer_type},
      {"{SERIAL}", dialect.serial_key},
      {"{CLUSTERED}", dialect.clustered},
  };
  std::string text(script);
  for (const auto& [word, replacement] : words) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos;) {
      text.replace(at, word.size(), replacement);
      at += replacement.size();
    }
  }
  return text;
}

Result<std::int64_t> schema_of(SqlConnection& connection) {
  StatementRun run(connection, "SELECT COALESCE(MAX(version), 0) FROM impulse_schema");
  auto row = run.next();
  if (!row) return std::move(row).error();
  return *row ? run.integer(0) : 0;
}

Result<void> apply(SqlConnection& connection, const Migration& migration) {
  if (auto ok = connection.execute(in_dialect(migration.script, connection.dialect())); !ok) {
    return ok;
  }
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  return StatementRun(connection, "INSERT INTO impulse_schema (version, applied_us) VALUES (?, ?)",
                      std::int64_t{migration.number}, std::int64_t{now.count()})
      .finish();
}

/// One transaction: makes the table of versions, looks where we are, does the next step.
/// Answers whether there may be more to do.
Result<bool> migrate_one(SqlConnection& connection) {
  const std::string table = in_dialect(
      "CREATE TABLE IF NOT EXISTS impulse_schema (version {INTEGER} NOT NULL PRIMARY KEY, "
      "applied_us {INTEGER} NOT NULL);",
      connection.dialect());
  if (auto ok = connection.execute(table); !ok) return std::move(ok).error();
  auto version = schema_of(connection);
  if (!version) return std::move(version).error();
  if (*version > newest_schema()) {
    return Error{ErrorCode::kInvalid,
                 "the database has schema " + std::to_string(*version) +
                     ", this program knows up to " + std::to_string(newest_schema()) +
                     ": run the newer program that wrote it, or restore an older backup"};
  }
  for (const Migration& migration : kMigrations) {
    if (migration.number <= *version) continue;
    if (auto ok = apply(connection, migration); !ok) {
      return std::move(ok).error().in("migration to schema " + std::to_string(migration.number));
    }
    return true;
  }
  return false;
}

}  // namespace

int newest_schema() { return std::end(kMigrations)[-1].number; }

Result<void> migrate(SqlConnection& connection) {
  for (;;) {
    if (auto ok = connection.begin_write(); !ok) return ok;
    auto more = migrate_one(connection);
    if (!more) {
      connection.rollback();
      return std::move(more).error();
    }
    if (auto ok = connection.commit(); !ok) {
      connection.rollback();
      return ok;
    }
    if (!*more) return {};
  }
}

}  // namespace impulse::store
