// Blocking work on named threads; the answer comes back to the loop that asked.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/base/function.h"
#include "host/event/loop.h"

namespace impulse::event {

/// A pool of threads with one queue (ThreadPool "name" { Concurrency = N }). Threads start when
/// work waits and none is free. Any thread.
class Pool {
 public:
  Pool(std::string name, unsigned concurrency);
  ~Pool();  ///< waits for all queued work

  /// Runs `work` on one of the threads; after stop() on the calling one, so that none is lost.
  void run(UniqueFunction<void()> work);

  /// Runs `work` there, then `then(result)` on the calling loop.
  template <class Work, class Then>
  void run(Loop& reply_to, Work work, Then then) {
    run([&reply_to, work = std::move(work), then = std::move(then)]() mutable {
      auto result = work();
      reply_to.post([then = std::move(then), result = std::move(result)]() mutable {
        then(std::move(result));
      });
    });
  }

  const std::string& name() const { return name_; }
  /// How many threads there may be.
  unsigned concurrency() const;
  /// At least 1. Threads that run already stay.
  void set_concurrency(unsigned concurrency);
  /// Waits for all queued work and ends the threads. Not from one of them.
  void stop();

 private:
  void work_until_stopped();

  std::string name_;
  std::condition_variable wake_;
  mutable std::mutex mutex_;  // guards what is listed beneath it
  std::deque<UniqueFunction<void()>> queue_;
  std::vector<std::thread> threads_;
  unsigned limit_;
  unsigned idle_ = 0;
  bool stopping_ = false;
};

/// Pools by name; "CPU" and "IO" always exist. Made at start-up; get() from any thread.
class PoolSet {
 public:
  PoolSet();
  /// Makes the pool; one that exists gets this concurrency. Main thread, before loops run.
  Pool& make(const std::string& name, unsigned concurrency);
  /// The pool, or "IO" where there is none of that name.
  Pool& get(std::string_view name);
  /// Waits for all queued work and ends the threads.
  void stop();

 private:
  std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools_;
};

}  // namespace impulse::event
