// Signals as events of the main loop.
#pragma once

#include <functional>
#include <memory>

#include "host/base/owned.h"
#include "host/event/loop.h"

namespace impulse::daemon {

/// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all it will start, so that only Signals
/// takes them. Before the first thread is started.
void block_signals();

/// Calls the handler on the main loop for each signal that arrived. Main thread.
class Signals {
 public:
  Signals(event::Loop& loop, std::function<void(int signal)> handler);
  ~Signals();

 private:
  static void on_event(int fd, short what, void* self);

  std::function<void(int)> handler_;
  UniqueFd fd_;
  struct Watch;
  std::unique_ptr<Watch> watch_;
};

}  // namespace impulse::daemon
