// Locking and writing the pid file.
#include "host/daemon/pid_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace impulse::daemon {

namespace {

Error failed(const std::string& path) {
  return Error{ErrorCode::kUnavailable, "Pid_File " + path + ": " + std::strerror(errno)};
}

std::string read_holder(int fd) {
  char text[24] = {};
  const ssize_t got = ::pread(fd, text, sizeof text - 1, 0);
  std::string_view holder(text, got > 0 ? static_cast<std::size_t>(got) : 0);
  return std::string(holder.substr(0, holder.find_first_not_of("0123456789")));
}

/// Is the file behind `fd` still the one at `path`? A predecessor may have removed it between our
/// open and our lock.
bool is_still_there(int fd, const std::string& path) {
  struct stat ours = {};
  struct stat there = {};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace

PidFile& PidFile::operator=(PidFile&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = std::exchange(other.path_, {});
    fd_ = std::move(other.fd_);
  }
  return *this;
}

void PidFile::remove() noexcept {
  // Where the directory is not ours to change any more, an empty unlocked file says as much.
  if (fd_ && ::unlink(path_.c_str()) != 0 && ::ftruncate(fd_.get(), 0) != 0) errno = 0;
  fd_.reset();
}

Result<PidFile> PidFile::create(const std::string& path) {
  PidFile file;
  while (true) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return failed(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return failed(path);
      return Error{ErrorCode::kExists, "already running: Pid_File " + path +
                                           " is held by process " + read_holder(fd.get())};
    }
    if (!is_still_there(fd.get(), path)) continue;
    const std::string text = std::to_string(::getpid()) + "\n";
    // For anybody to read, whatever the umask.
    if (::fchmod(fd.get(), 0644) != 0 || ::ftruncate(fd.get(), 0) != 0 ||
        ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      return failed(path);
    }
    file.path_ = path;
    file.fd_ = std::move(fd);
    return file;
  }
}

}  // namespace impulse::daemon
