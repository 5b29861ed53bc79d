// Owned<T, free> and UniqueFd: C resources that free themselves.
#pragma once

#include <unistd.h>

#include <memory>
#include <utility>

namespace impulse {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* resource) const noexcept {
    Free(resource);
  }
};

/// A C object and the function that frees it: Owned<SSL, &SSL_free>.
template <class T, auto Free>
using Owned = std::unique_ptr<T, FreeWith<Free>>;

/// A file descriptor that closes itself. One at a time.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace impulse
