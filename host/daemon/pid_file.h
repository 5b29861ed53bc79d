// The pid file: holds our process id, and a lock that keeps a second instance away.
#pragma once

#include <string>

#include "host/base/owned.h"
#include "host/base/result.h"

namespace impulse::daemon {

/// A locked pid file; removed when this object goes. Main thread.
class PidFile {
 public:
  PidFile() = default;
  PidFile(PidFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), fd_(std::move(other.fd_)) {}
  PidFile& operator=(PidFile&& other) noexcept;
  ~PidFile() { remove(); }

  /// Creates (or takes over a stale) `path` and writes our process id. kExists when a living
  /// process holds it.
  static Result<PidFile> create(const std::string& path);

  const std::string& path() const { return path_; }

 private:
  void remove() noexcept;

  std::string path_;
  UniqueFd fd_;  ///< holds the lock for as long as it is open
};

}  // namespace impulse::daemon
