// Loops on threads of their own, and how a test talks to them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "host/event/loop.h"

namespace impulse::test {

inline constexpr auto kPatience = std::chrono::seconds(20);

/// A loop that runs on its own thread as long as this lives.
class RunningLoop {
 public:
  explicit RunningLoop(unsigned index = 0)
      : loop_(index, "test-" + std::to_string(index)), thread_([this] { loop_.run(); }) {}
  ~RunningLoop() {
    loop_.stop();
    thread_.join();
  }

  event::Loop& operator*() { return loop_; }
  event::Loop* operator->() { return &loop_; }

  /// Runs `fn` on the loop and waits for its answer.
  template <class F>
  auto call(F fn) {
    std::promise<std::invoke_result_t<F&>> promise;
    auto answer = promise.get_future();
    loop_.post([&fn, promise = std::move(promise)]() mutable {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        fn();
        promise.set_value();
      } else {
        promise.set_value(fn());
      }
    });
    return answer.get();
  }
  /// Waits until the turn that runs now, and the next, are over.
  void settle() {
    for (int i = 0; i < 3; ++i) call([] {});
  }

 private:
  event::Loop loop_;
  std::thread thread_;
};

/// A value that one thread changes and another waits for.
template <class T>
class Watched {
 public:
  template <class F>
  void change(F fn) {
    // Notifies under the lock: who waits may destroy this as soon as it has the lock.
    const std::lock_guard lock(mutex_);
    fn(value_);
    changed_.notify_all();
  }
  /// True when `condition` came to hold in time.
  template <class F>
  bool wait_for(F condition, std::chrono::milliseconds patience = kPatience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return condition(value_); });
  }
  T get() {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

}  // namespace impulse::test
