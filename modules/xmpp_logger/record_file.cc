// Appending in the background.
#include "modules/xmpp_logger/record_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "modules/xmpp_logger/module_log.h"

namespace impulse::xmpp_logger {

namespace {

constexpr std::size_t kMostWaiting = 64 * 1024 * 1024;

/// All of it, or what errno says.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

Result<UniqueFd> RecordFile::open_fd(const std::string& path, unsigned mode) {
  struct stat before;
  const bool is_new = ::stat(path.c_str(), &before) != 0;
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, mode));
  if (!fd) {
    return Error{ErrorCode::kUnavailable,
                 "logfile = \"" + path + "\": cannot be opened: " + std::strerror(errno)};
  }
  // What logmode says holds whatever the umask is.
  if (is_new) ::fchmod(fd.get(), static_cast<mode_t>(mode));
  return fd;
}

Result<std::shared_ptr<RecordFile>> RecordFile::open(event::Pool& pool, std::string path,
                                                     unsigned mode) {
  if (path.find(":/") != std::string::npos && path[0] != '/') {
    return Error{ErrorCode::kInvalid,
                 "logfile = \"" + path + "\": must be the path of a file, as in \"/var/log/x.ec\""};
  }
  Result<UniqueFd> fd = open_fd(path, mode);
  if (!fd) return std::move(fd).error();
  std::shared_ptr<RecordFile> made(new RecordFile(pool, std::move(path), mode));
  made->fd_ = std::move(*fd);
  return made;
}

void RecordFile::append(std::string_view line) {
  {
    std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() >= kMostWaiting) {
      ++dropped_;
      return;
    }
    waiting_.append(line).append(1, '\n');
    if (std::exchange(is_writing_, true)) return;
  }
  pool_.run([self = shared_from_this()] { self->write_out(); });
}

void RecordFile::write_out() {
  std::string batch;
  for (;;) {
    // The file first: whoever holds it takes what waits, so that records never change places.
    std::lock_guard file_lock(file_mutex_);
    std::uint64_t dropped = 0;
    batch.clear();
    {
      std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        is_writing_ = false;
        return;
      }
      batch.swap(waiting_);
      dropped = std::exchange(dropped_, 0);
    }
    if (dropped > 0)
      LOG(module_log(), kError, "records_dropped", {"file", path_}, {"count", dropped});
    write(batch);
  }
}

void RecordFile::write(std::string_view batch) {
  if (const int error = write_all(fd_.get(), batch)) {
    LOG(module_log(), kError, "records_lost", {"file", path_}, {"error", std::strerror(error)});
  }
}

Result<void> RecordFile::reopen() {
  flush();
  Result<UniqueFd> fd = open_fd(path_, mode_);
  if (!fd) return std::move(fd).error();
  std::lock_guard lock(file_mutex_);
  fd_ = std::move(*fd);
  return {};
}

void RecordFile::flush() {
  std::string batch;
  std::lock_guard file_lock(file_mutex_);
  {
    std::lock_guard lock(mutex_);
    batch.swap(waiting_);
  }
  write(batch);
}

}  // namespace impulse::xmpp_logger
