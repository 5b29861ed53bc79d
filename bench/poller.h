// A small epoll loop for the load generator: waits, dispatches, then flushes what was queued.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace impulse::bench {

/// Something with a socket. It must not be destroyed during a turn.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void on_events(std::uint32_t events) = 0;
  virtual void flush() = 0;
};

/// The loop itself. Thread: owner only.
class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void watch(int fd, Pollable& pollable, std::uint32_t events);
  void change(int fd, Pollable& pollable, std::uint32_t events);

  /// Has `pollable` flushed at the end of the turn.
  void want_flush(Pollable& pollable);
  void forget(const Pollable& pollable);

  /// Flushes, waits for at most `timeout`, dispatches, flushes again.
  void turn(std::chrono::milliseconds timeout = std::chrono::milliseconds(100));

 private:
  void flush_all();

  int epoll_;
  std::vector<Pollable*> unflushed_;
};

}  // namespace impulse::bench
