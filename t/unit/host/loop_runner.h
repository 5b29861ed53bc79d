// For tests: a running loop, and waiting for answers that come on it.
#pragma once

#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "host/base/result.h"
#include "host/event/loop.h"

namespace impulse {

/// A loop on a thread of its own. Declare it before what answers on it.
class LoopRunner {
 public:
  LoopRunner() : loop_(0, "test"), thread_([this] { loop_.run(); }) {}
  ~LoopRunner() {
    loop_.stop();
    thread_.join();
  }

  event::Loop& loop() { return loop_; }

  /// Calls `ask(done)` and waits for what `done` is given: wait<int>([&](auto done) { ... }).
  template <class T, class Ask>
  Result<T> wait(Ask ask) {
    std::promise<Result<T>> promise;
    auto answer = promise.get_future();
    ask([&promise](Result<T> result) { promise.set_value(std::move(result)); });
    return answer.get();
  }

 private:
  event::Loop loop_;
  std::thread thread_;
};

}  // namespace impulse
