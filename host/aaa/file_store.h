// FileStore: the store behind file://, a text file with a line user:password for each account.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "host/aaa/password_store.h"
#include "host/event/pool.h"

namespace impulse::aaa {

/// Accounts by name, ASCII letters in lower case: "user" (of every domain) or "user@domain".
using PasswordTable = std::unordered_map<std::string, Secret>;

/// What a password file says. The first ':' of a line ends the name; lines that are empty or begin
/// with '#' are comments; CRLF and a byte order mark are taken off; of two lines for one name the
/// first counts. Lines without a name, a ':' or a password are left out and counted.
struct ParsedPasswords {
  PasswordTable table;
  std::size_t bad_lines = 0;
  std::size_t first_bad_line = 0;
};
ParsedPasswords parse_password_file(std::string_view text);

/// Reads its file again when it has changed. Never writes it; never logs what is in it.
class FileStore final : public PasswordStore {
 public:
  /// `path` is absolute. Errors: the file is missing, unreadable, or no file.
  static Result<std::shared_ptr<PasswordStore>> open(const std::string& path, event::Pool& io);

  const std::string& uri() const override { return uri_; }
  /// Looks for user@domain, then for user.
  void find(event::Loop& loop, std::string user, std::string domain, Found found) override;

 private:
  class Contents;
  FileStore(std::string uri, std::shared_ptr<Contents> contents, event::Pool& io);

  std::string uri_;
  std::shared_ptr<Contents> contents_;  // owners: this, and lookups under way in the pool
  event::Pool& io_;
};

}  // namespace impulse::aaa
