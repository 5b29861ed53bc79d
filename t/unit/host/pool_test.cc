// Tests of host/event/pool.cc.
#include "host/event/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "t/unit/host/loop_fixture.h"

namespace impulse::event {
namespace {

using test::RunningLoop;
using test::Watched;

TEST(Pool, AnswersOnTheLoopThatAsked) {
  RunningLoop loop;
  Pool pool("p", 2);
  Watched<std::string> answer;
  Loop* where = nullptr;
  std::thread::id worked_on;
  pool.run(
      *loop,
      [&] {
        worked_on = std::this_thread::get_id();
        return std::make_unique<std::string>("done");
      },
      [&](std::unique_ptr<std::string> result) {
        where = Loop::current();
        answer.change([&](std::string& a) { a = *result; });
      });
  ASSERT_TRUE(answer.wait_for([](const std::string& a) { return a == "done"; }));
  EXPECT_EQ(where, &*loop);
  EXPECT_NE(worked_on, std::this_thread::get_id());
  EXPECT_NE(worked_on, loop.call([] { return std::this_thread::get_id(); }));
}

TEST(Pool, RunsAsManyAtOnceAsItsConcurrencyAndNoMore) {
  Pool pool("p", 3);
  EXPECT_EQ(pool.concurrency(), 3U);
  struct Seen {
    int inside = 0;
    int most = 0;
    bool release = false;
    int finished = 0;
  };
  Watched<Seen> seen;
  for (int i = 0; i < 8; ++i) {
    pool.run([&] {
      seen.change([](Seen& s) { s.most = std::max(s.most, ++s.inside); });
      seen.wait_for([](const Seen& s) { return s.release; });
      seen.change([](Seen& s) {
        --s.inside;
        ++s.finished;
      });
    });
  }
  EXPECT_TRUE(seen.wait_for([](const Seen& s) { return s.inside == 3; }));
  seen.change([](Seen& s) { s.release = true; });
  EXPECT_TRUE(seen.wait_for([](const Seen& s) { return s.finished == 8; }));
  EXPECT_EQ(seen.get().most, 3);
}

TEST(Pool, DoesAllQueuedWorkBeforeItEnds) {
  std::atomic<int> done{0};
  {
    Pool pool("p", 2);
    for (int i = 0; i < 500; ++i) pool.run([&] { ++done; });
  }
  EXPECT_EQ(done, 500);
}

TEST(Pool, KeepsTheOrderOfJobsOnOneThread) {
  std::vector<int> order;
  {
    Pool pool("p", 1);
    for (int i = 0; i < 100; ++i) pool.run([&order, i] { order.push_back(i); });
  }
  for (int i = 0; i < 100; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Pool, WorkGivenAfterStopIsDoneByTheGiver) {
  Pool pool("p", 1);
  pool.stop();
  std::thread::id worked_on;
  pool.run([&] { worked_on = std::this_thread::get_id(); });
  EXPECT_EQ(worked_on, std::this_thread::get_id());
}

TEST(PoolSet, HasCpuAndIoAndFallsBackToIo) {
  PoolSet pools;
  EXPECT_EQ(pools.get("CPU").name(), "CPU");
  EXPECT_EQ(pools.get("IO").name(), "IO");
  EXPECT_EQ(pools.get("nonesuch").name(), "IO");
  Pool& made = pools.make("disk", 2);
  EXPECT_EQ(&pools.get("disk"), &made);
  EXPECT_EQ(&pools.make("disk", 5), &made);
  EXPECT_EQ(made.concurrency(), 5U);
  pools.stop();
}

}  // namespace
}  // namespace impulse::event
