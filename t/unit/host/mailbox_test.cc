// Tests of host/event/mailbox.cc.
#include "host/event/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace impulse::event {
namespace {

bool is_readable(int fd) {
  pollfd waiting = {fd, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

TEST(Mailbox, TasksOfEachOfFourProducersKeepTheirOrder) {
  constexpr int kProducers = 4;
  constexpr int kTasks = 20'000;
  Mailbox mailbox;
  std::vector<int> next(kProducers, 0);
  bool in_order = true;
  std::atomic<int> finished{0};
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      const auto at = static_cast<std::size_t>(p);
      for (int i = 0; i < kTasks; ++i) {
        mailbox.push([&next, &in_order, at, i] { in_order = in_order && next[at]++ == i; });
      }
      ++finished;
    });
  }
  std::size_t drained = 0;
  while (finished < kProducers) drained += mailbox.drain();
  drained += mailbox.drain();
  for (auto& producer : producers) producer.join();
  EXPECT_EQ(drained, std::size_t{kProducers} * kTasks);
  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, std::vector<int>(kProducers, kTasks));
}

TEST(Mailbox, WhatATaskPushesWaitsForTheNextDrain) {
  Mailbox mailbox;
  int runs = 0;
  mailbox.push([&] { mailbox.push([&] { ++runs; }); });
  EXPECT_EQ(mailbox.drain(), 1U);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(mailbox.drain(), 1U);
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(mailbox.drain(), 0U);
}

TEST(Mailbox, BecomesReadableWhenTheFirstTaskArrivesAndQuietWhenAcknowledged) {
  Mailbox mailbox;
  EXPECT_FALSE(is_readable(mailbox.wake_fd()));
  mailbox.push([] {});
  EXPECT_TRUE(is_readable(mailbox.wake_fd()));
  mailbox.acknowledge();
  mailbox.drain();
  EXPECT_FALSE(is_readable(mailbox.wake_fd()));
  mailbox.push([] {});
  EXPECT_TRUE(is_readable(mailbox.wake_fd()));
}

TEST(Mailbox, AnAwakeHomeIsNotWokenButMayNotSleepWhileThereIsSomething) {
  Mailbox mailbox;
  mailbox.stay_awake();
  mailbox.push([] {});
  EXPECT_FALSE(is_readable(mailbox.wake_fd()));
  EXPECT_FALSE(mailbox.may_sleep());
  mailbox.drain();
  EXPECT_TRUE(mailbox.may_sleep());
  mailbox.push([] {});
  EXPECT_TRUE(is_readable(mailbox.wake_fd()));
}

TEST(Mailbox, DestroysWhatWasNeverRun) {
  auto owned = std::make_shared<int>(1);
  {
    Mailbox mailbox;
    mailbox.push([owned] { FAIL() << "must not run"; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Mailbox, DiscardAlsoTakesWhatIsPushedByWhatItDestroys) {
  struct PushesWhenDestroyed {
    explicit PushesWhenDestroyed(Mailbox& m, bool& d) : mailbox(m), destroyed(d) {}
    ~PushesWhenDestroyed() {
      mailbox.push([this_one = &destroyed] { *this_one = false; });
      destroyed = true;
    }
    Mailbox& mailbox;
    bool& destroyed;
  };
  Mailbox mailbox;
  bool destroyed = false;
  mailbox.push([held = std::make_unique<PushesWhenDestroyed>(mailbox, destroyed)] {});
  mailbox.discard();
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(mailbox.drain(), 0U);
}

}  // namespace
}  // namespace impulse::event
