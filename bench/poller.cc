// A small epoll loop for the load generator: waits, dispatches, then flushes what was queued.
#include "poller.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace impulse::bench {

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

Poller::~Poller() { close(epoll_); }

void Poller::watch(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &pollable}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Poller::change(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &pollable}};
  if (epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) < 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Poller::want_flush(Pollable& pollable) { unflushed_.push_back(&pollable); }

void Poller::forget(const Pollable& pollable) { std::erase(unflushed_, &pollable); }

void Poller::flush_all() {
  for (auto* pollable : std::exchange(unflushed_, {})) pollable->flush();
}

void Poller::turn(std::chrono::milliseconds timeout) {
  flush_all();
  std::array<epoll_event, 256> events;
  const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                               static_cast<int>(timeout.count()));
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
  flush_all();
}

}  // namespace impulse::bench
