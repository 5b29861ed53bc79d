// Reading signals from a signalfd.
#include "host/daemon/signals.h"

#include <event2/event.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "host/base/check.h"

namespace impulse::daemon {

namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

struct Signals::Watch {
  Owned<::event, &event_free> event;
};

void block_signals() {
  const sigset_t set = our_signals();
  IMPULSE_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

Signals::Signals(event::Loop& loop, std::function<void(int)> handler)
    : handler_(std::move(handler)) {
  const sigset_t set = our_signals();
  fd_.reset(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  IMPULSE_CHECK(fd_);
  watch_ = std::make_unique<Watch>(Watch{Owned<::event, &event_free>(
      event_new(loop.base(), fd_.get(), EV_READ | EV_PERSIST, &Signals::on_event, this))});
  IMPULSE_CHECK(watch_->event != nullptr && event_add(watch_->event.get(), nullptr) == 0);
}

Signals::~Signals() = default;

void Signals::on_event(int fd, short, void* self) {
  signalfd_siginfo info = {};
  while (::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    static_cast<Signals*>(self)->handler_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace impulse::daemon
