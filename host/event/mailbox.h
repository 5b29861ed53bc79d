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
  /// Runs all that is there now; returns how many.
  std::size_t drain();
  /// Becomes readable when there is something to drain.
  int wake_fd() const { return wake_.get(); }

 private:
  struct Letter;
  std::atomic<Letter*> newest_{nullptr};
  UniqueFd wake_;
};

}  // namespace impulse::event
