// Tests of host/store/call_queue.cc: in which order calls may run.
#include "host/store/call_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>

#include "t/unit/host/loop_runner.h"

namespace impulse::store {
namespace {

using namespace std::chrono_literals;

class CallQueueTest : public ::testing::Test {
 protected:
  std::unique_ptr<Write> a_write(std::size_t bytes = 1) {
    auto work = [](SqlConnection&) -> Result<void> { return {}; };
    return std::make_unique<WriteOf<void, decltype(work)>>(runner_.loop(), bytes, work,
                                                           Done<void>(answer()));
  }
  std::unique_ptr<Read> a_read() {
    auto work = [](SqlConnection&) -> Result<void> { return {}; };
    return std::make_unique<ReadOf<void, decltype(work)>>(runner_.loop(), 1, work,
                                                          Done<void>(answer()));
  }
  /// Waits until the loop has done what was posted to it.
  void wait_for_loop() {
    std::promise<void> done;
    runner_.loop().post([&done] { done.set_value(); });
    done.get_future().wait();
  }

  std::atomic<int> refused_ = 0;
  LoopRunner runner_;
  CallQueue queue_{CallQueue::Limits{.calls = 4, .bytes = 100}};

 private:
  UniqueFunction<void(Result<void>)> answer() {
    return [this](Result<void> result) {
      if (!result && result.error().code == ErrorCode::kUnavailable) ++refused_;
    };
  }
};

/// True when `future` has no value yet, and after a while neither.
template <class T>
bool still_waits(std::future<T>& future) {
  return future.wait_for(50ms) == std::future_status::timeout;
}

TEST_F(CallQueueTest, AReadWaitsUntilTheWritesBeforeItAreSettled) {
  queue_.push(a_write());
  queue_.push(a_read());
  EXPECT_EQ(queue_.take_writes(10).size(), 1u);
  auto reads = std::async(std::launch::async, [&] { return queue_.take_reads(10); });
  EXPECT_TRUE(still_waits(reads));
  queue_.settled(1);
  EXPECT_EQ(reads.get().calls.size(), 1u);
}

TEST_F(CallQueueTest, AReadDoesNotWaitForWritesAfterIt) {
  queue_.push(a_read());
  queue_.push(a_write());
  EXPECT_EQ(queue_.take_reads(10).calls.size(), 1u);
}

TEST_F(CallQueueTest, AWriteWaitsUntilTheReadsBeforeItHaveBegun) {
  queue_.push(a_read());
  queue_.push(a_write());
  auto writes = std::async(std::launch::async, [&] { return queue_.take_writes(10); });
  EXPECT_TRUE(still_waits(writes));
  auto reads = queue_.take_reads(10);
  EXPECT_TRUE(still_waits(writes));
  queue_.begun(reads.ticket);
  EXPECT_EQ(writes.get().size(), 1u);
}

TEST_F(CallQueueTest, ABatchOfWritesEndsWhereAReadMustBeginFirst) {
  queue_.push(a_write());
  queue_.push(a_write());
  queue_.push(a_read());
  queue_.push(a_write());
  EXPECT_EQ(queue_.take_writes(10).size(), 2u);
  queue_.settled(2);
  queue_.begun(queue_.take_reads(10).ticket);
  EXPECT_EQ(queue_.take_writes(10).size(), 1u);
}

TEST_F(CallQueueTest, TooManyCallsAreRefusedAtOnce) {
  for (int i = 0; i < 6; ++i) queue_.push(a_write());
  wait_for_loop();
  EXPECT_EQ(refused_, 2);
  for (int i = 0; i < 5; ++i) queue_.push(a_read());
  wait_for_loop();
  EXPECT_EQ(refused_, 3);
  EXPECT_EQ(queue_.take_writes(10).size(), 4u);
}

TEST_F(CallQueueTest, TooManyBytesAreRefusedUntilSomeWereTaken) {
  queue_.push(a_write(60));
  queue_.push(a_write(60));
  wait_for_loop();
  EXPECT_EQ(refused_, 1);
  EXPECT_EQ(queue_.take_writes(10).size(), 1u);
  queue_.push(a_write(60));
  wait_for_loop();
  EXPECT_EQ(refused_, 1);
}

TEST_F(CallQueueTest, WaitingForTheDiskCoversWhatWasAskedSoFarOnly) {
  queue_.wait_until_settled();
  queue_.push(a_write());
  auto waits = std::async(std::launch::async, [&] { queue_.wait_until_settled(); });
  EXPECT_TRUE(still_waits(waits));
  queue_.push(a_write());
  EXPECT_EQ(queue_.take_writes(1).size(), 1u);
  queue_.settled(1);
  EXPECT_EQ(waits.wait_for(5s), std::future_status::ready);
}

TEST_F(CallQueueTest, StoppingLetsTheRestThroughThenAnswersNothing) {
  queue_.push(a_write());
  queue_.push(a_read());
  queue_.stop_writes();
  EXPECT_EQ(queue_.take_writes(10).size(), 1u);
  EXPECT_TRUE(queue_.take_writes(10).empty());
  queue_.settled(1);
  queue_.stop_reads();
  EXPECT_EQ(queue_.take_reads(10).calls.size(), 1u);
  EXPECT_TRUE(queue_.take_reads(10).calls.empty());
  EXPECT_TRUE(queue_.take_policy_reads().empty());
}

}  // namespace
}  // namespace impulse::store
