// The only door between loops: a multi-producer queue woken by an eventfd, drained in batches.
#pragma once

#include <atomic>
#include <cstddef>

#include "host/base/function.h"
#include "host/base/owned.h"

namespace impulse::event {

/// Lock-free for producers. push: any thread. drain: home.
class Mailbox {
 public:
  Mailbox();
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Tasks of one producer keep their order.
  void push(UniqueFunction<void()> task);
  /// Runs all that is there now; returns how many. What is pushed meanwhile waits for the next.
  std::size_t drain();
  /// Destroys all that is there without running it. Home, or when no home runs any more.
  void discard();

  /// Becomes readable when there is something to drain and the home said that it may sleep (or
  /// never said anything); acknowledge() makes it quiet again. Call that before drain().
  int wake_fd() const { return wake_.get(); }
  void acknowledge();

  /// The home is about to wait for wake_fd(). False: there is something to drain, do not wait.
  bool may_sleep();
  /// The home is awake and will come by before it waits: pushing needs no system call.
  void stay_awake() { asleep_.store(false, std::memory_order_relaxed); }

 private:
  struct Letter;
  Letter* take_all();

  std::atomic<Letter*> newest_{nullptr};
  std::atomic<bool> asleep_{true};
  UniqueFd wake_;
};

}  // namespace impulse::event
