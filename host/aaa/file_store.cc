// FileStore: the store behind file://, a text file with a line user:password for each account.
#include "host/aaa/file_store.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "host/base/log.h"
#include "host/base/owned.h"
#include "host/base/text.h"

namespace impulse::aaa {
namespace {

constexpr std::size_t kMaxFileBytes = 64u << 20;
/// A file changed so shortly before it was read may change again with the same time stamp.
constexpr std::time_t kTimeStampSeconds = 2;

/// What tells whether a file is still the one that was read.
struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};
  timespec changed{};

  bool operator==(const Stamp& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           same(modified, other.modified) && same(changed, other.changed);
  }

 private:
  static bool same(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  }
};

/// Text of a password file; wiped at the end.
struct Buffer {
  std::string text;
  ~Buffer() { OPENSSL_cleanse(text.data(), text.size()); }
};

Error failed(const std::string& path, const std::string& text) {
  return Error{ErrorCode::kUnavailable, "password file '" + path + "': " + text};
}

std::string system_text(int number) { return std::generic_category().message(number); }

struct OpenFile {
  UniqueFd fd;
  Stamp stamp;
};

Result<OpenFile> open_file(const std::string& path) {
  OpenFile file;
  // O_NONBLOCK: opening a named pipe must not wait for somebody to write to it.
  file.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.fd) {
    return failed(path, system_text(errno) + "; must be a file that the server's user can read");
  }
  struct stat status {};
  if (::fstat(file.fd.get(), &status) != 0) return failed(path, system_text(errno));
  if (!S_ISREG(status.st_mode)) return failed(path, "is not a regular file");
  file.stamp = {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
  return file;
}

Result<void> read_all(const std::string& path, int fd, std::size_t expected, Buffer& buffer) {
  // Room for all from the start: a string that grows would leave its old bytes behind, unwiped.
  if (expected > kMaxFileBytes) return failed(path, "is larger than 64 MB");
  buffer.text.resize(expected + 1);
  std::size_t size = 0;
  while (size < buffer.text.size()) {
    const ssize_t got = ::read(fd, buffer.text.data() + size, buffer.text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(path, system_text(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > expected) return failed(path, "grew while it was read; try again");
  buffer.text.resize(size);
  return {};
}

}  // namespace

ParsedPasswords parse_password_file(std::string_view text) {
  ParsedPasswords parsed;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    // An empty password would let in whoever sends none.
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == line.size()) {
      if (parsed.bad_lines++ == 0) parsed.first_bad_line = number;
      continue;
    }
    parsed.table.try_emplace(text::lower(line.substr(0, colon)), line.substr(colon + 1));
  }
  return parsed;
}

/// The file as it was read last. Any thread of the pool.
class FileStore::Contents {
 public:
  explicit Contents(std::string path) : path_(std::move(path)) {}

  Result<std::optional<Credentials>> find(const std::string& user, const std::string& domain) {
    std::lock_guard lock(mutex_);
    if (auto fresh = refresh(); !fresh) return std::move(fresh).error();
    const std::string name = text::lower(user);
    auto at = table_.find(name + "@" + text::lower(domain));
    if (at == table_.end()) at = table_.find(name);
    if (at == table_.end()) return std::optional<Credentials>{};
    Credentials credentials;
    credentials.password = at->second.clone();
    return std::optional<Credentials>{std::move(credentials)};
  }

  Result<void> refresh_now() {
    std::lock_guard lock(mutex_);
    return refresh();
  }

 private:
  Result<void> refresh() {
    auto file = open_file(path_);
    if (!file) return std::move(file).error();
    if (is_settled_ && stamp_ == file->stamp) return {};
    Buffer buffer;
    const std::time_t now = std::time(nullptr);
    if (auto ok =
            read_all(path_, file->fd.get(), static_cast<std::size_t>(file->stamp.size), buffer);
        !ok) {
      return ok;
    }
    ParsedPasswords parsed = parse_password_file(buffer.text);
    if (parsed.bad_lines > 0 && !(stamp_ == file->stamp)) {
      LOG(log::host(), kWarning, "password_file_lines_ignored", {"file", path_},
          {"lines", parsed.bad_lines}, {"first", parsed.first_bad_line},
          {"expected", "user:password"});
    }
    table_ = std::move(parsed.table);
    stamp_ = file->stamp;
    is_settled_ = stamp_.modified.tv_sec + kTimeStampSeconds < now &&
                  stamp_.changed.tv_sec + kTimeStampSeconds < now;
    return {};
  }

  const std::string path_;
  std::mutex mutex_;  // guards what is listed beneath it
  PasswordTable table_;
  Stamp stamp_;
  bool is_settled_ = false;  ///< a change after the last reading would show in the stamp
};

FileStore::FileStore(std::string uri, std::shared_ptr<Contents> contents, event::Pool& io)
    : uri_(std::move(uri)), contents_(std::move(contents)), io_(io) {}

Result<std::shared_ptr<PasswordStore>> FileStore::open(const std::string& path, event::Pool& io) {
  if (path.empty() || path.front() != '/') {
    return Error{ErrorCode::kInvalid, "file://" + path +
                                          ": must have three slashes and an absolute path, as "
                                          "file:///path/to/users"};
  }
  auto contents = std::make_shared<Contents>(path);
  if (auto ok = contents->refresh_now(); !ok) return std::move(ok).error();
  return std::shared_ptr<PasswordStore>(new FileStore("file://" + path, std::move(contents), io));
}

void FileStore::find(event::Loop& loop, std::string user, std::string domain, Found found) {
  io_.run(
      loop,
      [contents = contents_, user = std::move(user), domain = std::move(domain)] {
        return contents->find(user, domain);
      },
      [found = std::move(found)](Result<std::optional<Credentials>> answer) mutable {
        found(std::move(answer));
      });
}

}  // namespace impulse::aaa
