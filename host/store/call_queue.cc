// CallQueue: which waiting call may run next, so that calls of one thread take effect in order.
#include "host/store/call_queue.h"

#include <algorithm>
#include <limits>

namespace impulse::store {
namespace {

/// Bytes of one transaction: beyond, a batch ends early, so that it fits a database's cache.
constexpr std::size_t kBatchBytes = 16u << 20;
constexpr auto kMaxLinger = std::chrono::milliseconds(1);

template <class Kind>
void refuse(std::unique_ptr<Kind> call) {
  call->fail(Error{ErrorCode::kUnavailable,
                   "the database cannot follow: too many calls wait for it already"});
  std::vector<std::unique_ptr<Kind>> one;
  one.push_back(std::move(call));
  post_answers(std::move(one));
}

}  // namespace

void CallQueue::push(std::unique_ptr<Write> write) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (writes_.size() < limits_.calls && write_bytes_ + write->bytes() <= limits_.bytes) {
      write_bytes_ += write->bytes();
      ++writes_pushed_;
      writes_.push_back({std::move(write), reads_pushed_});
      wake = writes_.size() >= writer_wakes_at_;
    }
  }
  if (write) return refuse(std::move(write));
  if (wake) writer_wake_.notify_one();
}

void CallQueue::push(std::unique_ptr<Read> read) {
  {
    std::lock_guard lock(mutex_);
    if (reads_.size() < limits_.calls) {
      reads_.push_back({std::move(read), ++reads_pushed_, writes_pushed_});
    }
  }
  if (read) return refuse(std::move(read));
  reader_wake_.notify_one();
}

void CallQueue::push_policy(std::vector<std::unique_ptr<Read>> reads) {
  std::vector<std::unique_ptr<Read>> refused;
  {
    std::lock_guard lock(mutex_);
    for (auto& read : reads) {
      if (policy_reads_.size() < limits_.calls) {
        policy_reads_.push_back(std::move(read));
      } else {
        refused.push_back(std::move(read));
      }
    }
  }
  policy_wake_.notify_one();
  for (auto& read : refused) refuse(std::move(read));
}

bool CallQueue::first_write_may_run() const {
  if (writes_.empty()) return false;
  std::uint64_t unbegun = std::numeric_limits<std::uint64_t>::max();
  if (!reads_.empty()) unbegun = reads_.front().ticket;
  for (std::uint64_t ticket : taken_) unbegun = std::min(unbegun, ticket);
  return writes_.front().after_read < unbegun;
}

bool CallQueue::first_read_may_run() const {
  return !reads_.empty() && reads_.front().after_write <= writes_settled_;
}

/// Those whose answers just went out often ask again at once. Without a moment's patience the
/// first of them would have a commit of its own, and the others wait for two. It costs a quarter
/// of the last commit's time at most, and nothing when writes come one by one.
/// PERF: 64 who wait: 31 writes for each sync of the disk without it, 58 with it.
void CallQueue::linger(std::unique_lock<std::mutex>& lock) {
  if (expected_ < 2 || writes_.size() >= expected_) return;
  const auto patience = std::min<std::chrono::steady_clock::duration>(
      (std::chrono::steady_clock::now() - last_taken_) / 4, kMaxLinger);
  writer_wakes_at_ = expected_;
  writer_wake_.wait_for(lock, patience,
                        [this] { return writes_.size() >= writer_wakes_at_ || writes_stopped_; });
  writer_wakes_at_ = 1;
}

std::vector<std::unique_ptr<Write>> CallQueue::take_writes(std::size_t most) {
  std::vector<std::unique_ptr<Write>> batch;
  std::unique_lock lock(mutex_);
  linger(lock);
  expected_ = 0;
  writer_wake_.wait(
      lock, [this] { return first_write_may_run() || (writes_.empty() && writes_stopped_); });
  std::size_t bytes = 0;
  while (batch.size() < most && bytes < kBatchBytes && first_write_may_run()) {
    bytes += writes_.front().call->bytes();
    batch.push_back(std::move(writes_.front().call));
    writes_.pop_front();
  }
  write_bytes_ -= bytes;
  last_taken_ = std::chrono::steady_clock::now();
  return batch;
}

void CallQueue::settled(std::size_t count) {
  {
    std::lock_guard lock(mutex_);
    writes_settled_ += count;
    expected_ = count + writes_.size();
  }
  reader_wake_.notify_all();
  settled_wake_.notify_all();
}

void CallQueue::wait_until_settled() {
  std::unique_lock lock(mutex_);
  settled_wake_.wait(lock, [this, goal = writes_pushed_] { return writes_settled_ >= goal; });
}

CallQueue::Reads CallQueue::take_reads(std::size_t most) {
  Reads batch;
  std::unique_lock lock(mutex_);
  reader_wake_.wait(lock,
                    [this] { return first_read_may_run() || (reads_.empty() && reads_stopped_); });
  if (reads_.empty()) return batch;
  batch.ticket = reads_.front().ticket;
  taken_.push_back(batch.ticket);
  // Half of what waits: the other half is for another reader.
  const std::size_t share = std::clamp<std::size_t>(reads_.size() / 2, 1, most);
  while (batch.calls.size() < share && first_read_may_run()) {
    batch.calls.push_back(std::move(reads_.front().call));
    reads_.pop_front();
  }
  return batch;
}

void CallQueue::begun(std::uint64_t ticket) {
  {
    std::lock_guard lock(mutex_);
    std::erase(taken_, ticket);
  }
  writer_wake_.notify_one();
}

std::vector<std::unique_ptr<Read>> CallQueue::take_policy_reads() {
  std::vector<std::unique_ptr<Read>> batch;
  std::unique_lock lock(mutex_);
  policy_wake_.wait(lock, [this] { return !policy_reads_.empty() || reads_stopped_; });
  if (policy_reads_.empty()) return batch;
  batch.push_back(std::move(policy_reads_.front()));
  policy_reads_.pop_front();
  return batch;
}

void CallQueue::stop_writes() {
  {
    std::lock_guard lock(mutex_);
    writes_stopped_ = true;
  }
  writer_wake_.notify_all();
}

void CallQueue::stop_reads() {
  {
    std::lock_guard lock(mutex_);
    reads_stopped_ = true;
  }
  reader_wake_.notify_all();
  policy_wake_.notify_all();
}

}  // namespace impulse::store
