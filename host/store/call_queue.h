// CallQueue: which waiting call may run next, so that calls of one thread take effect in order.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "host/store/call.h"

namespace impulse::store {

/// Two rules give the promise of datasource.h. A read waits until the writes that were asked for
/// before it (by anybody) are settled: committed or failed. A write waits until the reads that
/// were asked for before it have begun: their view of the data is fixed. Any thread.
class CallQueue {
 public:
  /// How much may wait before new calls are refused with kUnavailable.
  struct Limits {
    std::size_t calls = 65'536;
    std::size_t bytes = 256u << 20;
  };
  /// Reads taken together; `ticket` belongs to begun().
  struct Reads {
    std::vector<std::unique_ptr<Read>> calls;
    std::uint64_t ticket = 0;
  };

  explicit CallQueue(Limits limits) : limits_(limits) {}
  CallQueue() : CallQueue(Limits{}) {}

  void push(std::unique_ptr<Write> write);
  void push(std::unique_ptr<Read> read);
  /// Reads by policy authors have a queue of their own, as they may be slow; no write waits for
  /// them, and all writes before them are settled already.
  void push_policy(std::vector<std::unique_ptr<Read>> reads);

  /// The next writes, in order; waits for them, and for a moment also for their like: see
  /// linger(). Empty: stop_writes() was called, all are done.
  std::vector<std::unique_ptr<Write>> take_writes(std::size_t most);
  /// `count` more of the taken writes are on disk or have failed.
  void settled(std::size_t count);
  /// Waits until all writes pushed so far are settled.
  void wait_until_settled();

  /// The next reads; waits for them. Empty: stop_reads() was called, all are done.
  Reads take_reads(std::size_t most);
  /// The reads taken under `ticket` see no later write any more.
  void begun(std::uint64_t ticket);
  std::vector<std::unique_ptr<Read>> take_policy_reads();

  /// No more writes will be pushed.
  void stop_writes();
  /// No more reads will be pushed. After the writer has ended.
  void stop_reads();

 private:
  struct WaitingWrite {
    std::unique_ptr<Write> call;
    std::uint64_t after_read;
  };
  struct WaitingRead {
    std::unique_ptr<Read> call;
    std::uint64_t ticket;
    std::uint64_t after_write;
  };
  void linger(std::unique_lock<std::mutex>& lock);
  bool first_write_may_run() const;
  bool first_read_may_run() const;

  const Limits limits_;
  std::mutex mutex_;  // guards what is listed beneath it
  std::deque<WaitingWrite> writes_;
  std::size_t write_bytes_ = 0;
  std::uint64_t writes_pushed_ = 0;
  std::uint64_t writes_settled_ = 0;
  std::size_t writer_wakes_at_ = 1;  ///< so many waiting writes wake the writer
  std::size_t expected_ = 0;         ///< writes that wait soon if those answered ask again
  std::chrono::steady_clock::time_point last_taken_;
  std::deque<WaitingRead> reads_;
  std::uint64_t reads_pushed_ = 0;
  std::vector<std::uint64_t> taken_;  ///< first ticket of reads taken that have not begun
  std::deque<std::unique_ptr<Read>> policy_reads_;
  bool writes_stopped_ = false;
  bool reads_stopped_ = false;
  std::condition_variable writer_wake_;
  std::condition_variable reader_wake_;
  std::condition_variable policy_wake_;
  std::condition_variable settled_wake_;
};

}  // namespace impulse::store
