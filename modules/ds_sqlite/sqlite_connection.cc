// SqliteConnection: host/store's SqlConnection over SQLite.
#include "modules/ds_sqlite/sqlite_connection.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "host/base/log.h"
#include "modules/ds_sqlite/sqlite_statement.h"

namespace impulse::ds_sqlite {
namespace {

/// How long another program (the administrator's sqlite3, a backup) may hold a lock.
constexpr int kBusyMilliseconds = 5000;
/// Pages in the write-ahead log from which they are copied into the database: 4 MB.
constexpr int kCheckpointPages = 1000;
constexpr std::size_t kMaxPolicyStatements = 64;

// No memory mapping: there a disk error is a SIGBUS, here it is an answer. query_only and
// cell_size_check cost nothing that can be measured.
constexpr const char* kSettings =
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA foreign_keys = ON;";
constexpr const char* kWriterSettings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -8192;";
constexpr const char* kReaderSettings =
    "PRAGMA query_only = ON;"
    "PRAGMA cache_size = -2048;";

constexpr store::SqlDialect kDialect{
    .name = "sqlite",
    .text_type = "TEXT",
    .integer_type = "INTEGER",
    .serial_key = "INTEGER PRIMARY KEY AUTOINCREMENT",
    .clustered = " WITHOUT ROWID",
};

std::string system_text(int number) { return std::generic_category().message(number); }

/// Looks at the file before SQLite does, for errors that name the cause; makes a missing one.
Result<void> make_file(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return Error{ErrorCode::kNotFound, "directory '" + directory +
                                           "' does not exist: make it, owned by the user that "
                                           "the server runs as"};
  }
  UniqueFd made(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
  if (made) return {};
  if (errno != EEXIST) {
    return Error{ErrorCode::kUnavailable, "the file cannot be made: " + system_text(errno) +
                                              "; directory '" + directory +
                                              "' must be writable by the server's user"};
  }
  // An existing file is not opened here: closing it again would drop the locks that another
  // connection of this process holds on it.
  if (::stat(path.c_str(), &status) != 0) {
    return Error{ErrorCode::kUnavailable, system_text(errno)};
  }
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalid, "is not a file: name the file of the database"};
  }
  if (::access(path.c_str(), R_OK | W_OK) != 0) {
    return Error{ErrorCode::kUnavailable,
                 system_text(errno) + ": the server's user must be able to read and write it"};
  }
  return {};
}

}  // namespace

SqliteConnection::SqliteConnection(std::string path, sqlite3* database)
    : path_(std::move(path)), database_(database), checkpoint_at_(kCheckpointPages) {}

SqliteConnection::~SqliteConnection() {
  rollback();
  policy_statements_.clear();
  host_statements_.clear();
}

Result<std::unique_ptr<store::SqlConnection>> SqliteConnection::open(const std::string& path,
                                                                     store::Access access) {
  const std::string place = "database '" + path + "'";
  if (access == store::Access::kWrite) {
    if (auto ok = make_file(path); !ok) return std::move(ok).error().in(place);
  }
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (database == nullptr) return Error{ErrorCode::kUnavailable, "out of memory"}.in(place);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(path, database));
  if (code != SQLITE_OK) return connection->failure(code);
  if (auto ok = connection->set_up(access); !ok) return std::move(ok).error();
  return std::unique_ptr<store::SqlConnection>(std::move(connection));
}

Result<void> SqliteConnection::set_up(store::Access access) {
  sqlite3* database = database_.get();
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_timeout(database, kBusyMilliseconds);
  sqlite3_limit(database, SQLITE_LIMIT_ATTACHED, 0);
  if (auto ok = execute(kSettings); !ok) return ok;
  if (auto ok = execute(access == store::Access::kWrite ? kWriterSettings : kReaderSettings); !ok) {
    return ok;
  }
  if (access == store::Access::kWrite) {
    // Its answer is the mode that is now in force.
    auto statement = compile("PRAGMA journal_mode = WAL");
    if (!statement) return std::move(statement).error();
    auto row = (*statement)->step();
    if (!row) return std::move(row).error();
    if (!*row || (*statement)->text(0) != "wal") {
      return Error{ErrorCode::kUnavailable,
                   "no write-ahead log is possible on its file system: use a local disk"}
          .in("database '" + path_ + "'");
    }
    // Takes the place of SQLite's own checkpoints, which would make a commit wait: see tend().
    sqlite3_wal_hook(
        database,
        [](void* self, sqlite3*, const char*, int pages) {
          static_cast<SqliteConnection*>(self)->wal_pages_ = pages;
          return SQLITE_OK;
        },
        this);
  }
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_set_authorizer(database, &SqliteConnection::authorize, this);
  // SQLite opens its files when it first reads: now, while the server may still be root.
  auto first = begin_read();
  rollback();
  return first;
}

/// Policy authors' statements run inside our transactions: what would end those, or reach other
/// files or our settings, is refused when it is compiled.
int SqliteConnection::authorize(void* self, int action, const char*, const char*, const char*,
                                const char*) {
  if (!static_cast<SqliteConnection*>(self)->policing_) return SQLITE_OK;
  switch (action) {
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_PRAGMA:
      return SQLITE_DENY;
    default:
      return SQLITE_OK;
  }
}

const store::SqlDialect& SqliteConnection::dialect() const { return kDialect; }

Result<std::unique_ptr<SqliteStatement>> SqliteConnection::compile(std::string_view sql) const {
  if (sql.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      sql.find('\0') != std::string_view::npos) {
    return Error{ErrorCode::kInvalid, "a statement is text without zero bytes, below 1 GB"};
  }
  sqlite3_stmt* raw = nullptr;
  const char* rest = nullptr;
  int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &raw, &rest);
  StatementPtr statement(raw);
  if (code != SQLITE_OK) return failure(code);
  if (raw == nullptr) return Error{ErrorCode::kInvalid, "the statement is empty"};
  // Behind the first statement only blanks, semicolons or comments: nothing that compiles.
  for (const char* end = sql.data() + sql.size(); rest != nullptr && rest < end;) {
    sqlite3_stmt* second = nullptr;
    const char* from = rest;
    code =
        sqlite3_prepare_v3(database_.get(), from, static_cast<int>(end - from), 0, &second, &rest);
    StatementPtr ended(second);
    if (code != SQLITE_OK || second != nullptr) {
      return Error{ErrorCode::kInvalid, "more than one statement: give them one at a time"};
    }
    if (rest == from) break;
  }
  return std::make_unique<SqliteStatement>(*this, std::move(statement));
}

Result<store::SqlStatement*> SqliteConnection::prepare(std::string_view sql, Author author) {
  Statements& statements = author == Author::kHost ? host_statements_ : policy_statements_;
  if (auto at = statements.find(sql); at != statements.end()) return at->second.get();
  if (author == Author::kPolicy && statements.size() >= kMaxPolicyStatements) statements.clear();
  policing_ = author == Author::kPolicy;
  auto statement = compile(sql);
  policing_ = false;
  if (!statement) return std::move(statement).error();
  return statements.emplace(std::string(sql), std::move(*statement)).first->second.get();
}

Result<void> SqliteConnection::execute(const std::string& script) {
  const int code = sqlite3_exec(database_.get(), script.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

Result<void> SqliteConnection::run(std::string_view sql) {
  auto statement = prepare(sql, Author::kHost);
  if (!statement) return std::move(statement).error();
  auto done = (*statement)->step();
  (*statement)->reset();
  if (!done) return std::move(done).error();
  return {};
}

Result<void> SqliteConnection::begin_read() {
  if (auto ok = run("BEGIN"); !ok) return ok;
  // BEGIN fixes nothing yet; the first page that is read does.
  auto fixed = run("SELECT 1 FROM sqlite_schema LIMIT 1");
  if (!fixed) rollback();
  return fixed;
}

void SqliteConnection::rollback() {
  if (!in_transaction()) return;
  // It fails only if there is nothing to undo, or where the log is at fault, which the next
  // transaction will say.
  static_cast<void>(run("ROLLBACK"));
}

Result<void> SqliteConnection::undo() {
  if (auto ok = run("ROLLBACK TO one"); !ok) return ok;
  return run("RELEASE one");
}

bool SqliteConnection::in_transaction() const {
  return sqlite3_get_autocommit(database_.get()) == 0;
}

std::int64_t SqliteConnection::changed() const { return sqlite3_changes64(database_.get()); }

void SqliteConnection::tend() {
  if (wal_pages_ < checkpoint_at_) return;
  int in_log = 0;
  int copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &in_log, &copied);
  if (code == SQLITE_OK && in_log == copied) {
    checkpoint_at_ = kCheckpointPages;
    return;
  }
  // A long read or a full disk: everything is safe in the log; try again some pages later.
  checkpoint_at_ = wal_pages_ + kCheckpointPages;
  if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
    LOG(log::host(), kWarning, "sqlite_checkpoint_failed", {"reason", failure(code).what});
  }
}

Error SqliteConnection::failure(int code) const {
  const std::string own = sqlite3_errmsg(database_.get());
  const auto error = [&](ErrorCode kind, std::string text) {
    return Error{kind, std::move(text)}.in("database '" + path_ + "'");
  };
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error(ErrorCode::kUnavailable, "another program keeps it locked (" + own + ")");
    case SQLITE_FULL:
      return error(ErrorCode::kUnavailable, "the disk is full");
    case SQLITE_IOERR: {
      const int number = sqlite3_system_errno(database_.get());
      return error(ErrorCode::kUnavailable,
                   std::string("the disk answers with an error: ") + sqlite3_errstr(code) +
                       (number != 0 ? " (" + system_text(number) + ")" : ""));
    }
    case SQLITE_CORRUPT:
      return error(ErrorCode::kUnavailable,
                   "the file is damaged (" + own +
                       "): restore a backup, or rescue what is left with sqlite3's .recover");
    case SQLITE_NOTADB:
      return error(ErrorCode::kInvalid, "the file is not an SQLite database");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return error(
          ErrorCode::kUnavailable,
          "the server's user must be able to write the file and its directory (" + own + ")");
    case SQLITE_NOMEM:
      return error(ErrorCode::kUnavailable, "out of memory");
    case SQLITE_CONSTRAINT:
      return error(code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY
                       ? ErrorCode::kExists
                       : ErrorCode::kInvalid,
                   own);
    case SQLITE_TOOBIG:
      return error(ErrorCode::kTooBig, own);
    case SQLITE_AUTH:
      return error(ErrorCode::kDenied,
                   "transactions, PRAGMA and ATTACH are not for policy statements");
    default:
      return error(ErrorCode::kInvalid, own);
  }
}

}  // namespace impulse::ds_sqlite
