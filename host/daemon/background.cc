// Forking into the background.
#include "host/daemon/background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace impulse::daemon {

namespace {

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "impulsed: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

/// The parent: one byte means ready, end of file means that the child died.
[[noreturn]] void wait_for_child(int fd) {
  char byte = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &byte, 1);
  } while (got < 0 && errno == EINTR);
  // _exit: what the parent still has buffered and registered belongs to the child now.
  ::_exit(got == 1 ? 0 : 1);
}

}  // namespace

Background Background::fork_away() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) give_up("pipe");
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child > 0) {
    ::close(ends[1]);
    wait_for_child(ends[0]);
  }
  ::close(ends[0]);
  ::setsid();
  Background background;
  background.to_parent_.reset(ends[1]);
  return background;
}

void Background::tell_ready() {
  if (!to_parent_) return;
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (null) {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
  }
  // A parent that was killed meanwhile is no reason to stop.
  if (::write(to_parent_.get(), "!", 1) != 1) errno = 0;
  to_parent_.reset();
}

}  // namespace impulse::daemon
