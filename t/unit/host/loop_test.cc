// Tests of host/event/loop.cc.
#include "host/event/loop.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "host/base/log.h"
#include "t/unit/host/loop_fixture.h"

namespace impulse::event {
namespace {

using std::chrono::milliseconds;
using test::RunningLoop;
using test::Watched;

// Runs `loop` here until something calls stop(); fails instead of hanging.
void run_bounded(Loop& loop) {
  bool late = false;
  Timer limit = loop.after(std::chrono::seconds(20), [&] {
    late = true;
    loop.stop();
  });
  loop.run();
  EXPECT_FALSE(late);
}

TEST(Loop, RunsWhatWasPostedBeforeStopAndNothingAfterIt) {
  Loop loop(0, "t");
  std::vector<int> ran;
  loop.post([&] { ran.push_back(1); });
  loop.post([&] { ran.push_back(2); });
  loop.stop();
  run_bounded(loop);
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(Loop, IsCurrentOnItsOwnThreadOnly) {
  Loop loop(0, "t");
  EXPECT_EQ(Loop::current(), nullptr);
  Loop* inside = nullptr;
  loop.post([&] {
    inside = Loop::current();
    EXPECT_TRUE(loop.is_here());
    loop.stop();
  });
  run_bounded(loop);
  EXPECT_EQ(inside, &loop);
  EXPECT_EQ(Loop::current(), nullptr);
}

TEST(Loop, TasksThatPostThemselvesAgainDoNotStarveTimers) {
  Loop loop(0, "t");
  std::size_t rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    loop.post([&] { again(); });
  };
  again();
  Timer timer = loop.after(milliseconds(20), [&] { loop.stop(); });
  run_bounded(loop);
  EXPECT_GT(rounds, 2U);
  EXPECT_FALSE(timer.is_running());
}

TEST(Loop, WakesFromSleepForEveryPostOfAnotherThread) {
  RunningLoop loop;
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(loop.call([i] { return i; }), i);
}

TEST(Loop, TwoLoopsThatAnswerEachOtherLoseNothing) {
  RunningLoop one(0);
  RunningLoop two(1);
  Watched<int> bounces;
  std::function<void()> at_one;
  std::function<void()> at_two = [&] { one->post([&] { at_one(); }); };
  at_one = [&] {
    int now = 0;
    bounces.change([&](int& n) { now = ++n; });
    if (now < 5000) two->post([&] { at_two(); });
  };
  one->post([&] { at_one(); });
  EXPECT_TRUE(bounces.wait_for([](int n) { return n == 5000; }));
}

TEST(Timer, OneShotFiresOnceAndIsThenNotRunning) {
  Loop loop(0, "t");
  int fired = 0;
  bool running_inside = true;
  Timer timer;
  timer = loop.after(milliseconds(1), [&] {
    ++fired;
    running_inside = timer.is_running();
  });
  EXPECT_TRUE(timer.is_running());
  Timer end = loop.after(milliseconds(40), [&] { loop.stop(); });
  run_bounded(loop);
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(running_inside);
  EXPECT_FALSE(timer.is_running());
}

TEST(Timer, DestroyedInItsOwnCallbackIsSafeForOneShotAndRepeating) {
  Loop loop(0, "t");
  int fired = 0;
  std::optional<Timer> once;
  std::optional<Timer> repeating;
  auto owned = std::make_shared<std::string>("still here after the timer died");
  once = loop.after(milliseconds(1), [&, owned] {
    once.reset();
    ++fired;
    EXPECT_EQ(owned->size(), 31U);
  });
  repeating = loop.every(milliseconds(1), [&, owned] {
    repeating.reset();
    ++fired;
    EXPECT_EQ(owned->size(), 31U);
  });
  Timer end = loop.after(milliseconds(40), [&] { loop.stop(); });
  run_bounded(loop);
  EXPECT_EQ(fired, 2);
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Timer, CanBeSetAnewInItsOwnCallback) {
  Loop loop(0, "t");
  int fired = 0;
  Timer timer;
  std::function<void()> again = [&] {
    if (++fired == 3) return loop.stop();
    timer = loop.after(milliseconds(1), [&] { again(); });
  };
  timer = loop.every(milliseconds(1), [&] { again(); });
  run_bounded(loop);
  EXPECT_EQ(fired, 3);
}

TEST(Timer, RepeatsUntilDestroyedAndFollowsMoves) {
  Loop loop(0, "t");
  int fired = 0;
  Timer moved;
  {
    Timer timer = loop.every(milliseconds(1), [&] {
      if (++fired == 5) {
        moved = Timer();
        loop.post([&] { loop.stop(); });
      }
    });
    moved = std::move(timer);
    EXPECT_FALSE(timer.is_running());  // NOLINT: what a moved-from timer is, is documented
  }
  EXPECT_TRUE(moved.is_running());
  run_bounded(loop);
  EXPECT_EQ(fired, 5);
  EXPECT_FALSE(moved.is_running());
}

TEST(Timer, DestroyedBeforeItsTimeNeverFires) {
  Loop loop(0, "t");
  bool fired = false;
  {
    Timer timer = loop.after(milliseconds(1), [&] { fired = true; });
  }
  Timer end = loop.after(milliseconds(30), [&] { loop.stop(); });
  run_bounded(loop);
  EXPECT_FALSE(fired);
}

// Notes when it is called.
class Noting final : public EndOfTurn {
 public:
  Noting(std::vector<int>& notes, int number) : notes_(notes), number_(number) {}
  void end_of_turn() override {
    notes_.push_back(number_);
    if (then) then();
  }
  std::function<void()> then;

 private:
  std::vector<int>& notes_;
  int number_;
};

TEST(EndOfTurn, IsCalledOncePerTurnInOrderOfEnlisting) {
  Loop loop(0, "t");
  std::vector<int> notes;
  Noting a(notes, 1);
  Noting b(notes, 2);
  loop.post([&] {
    loop.enlist(b);
    loop.enlist(a);
    loop.enlist(b);
    EXPECT_TRUE(notes.empty());
  });
  loop.stop();
  run_bounded(loop);
  EXPECT_EQ(notes, (std::vector<int>{2, 1}));
  EXPECT_FALSE(a.is_enlisted());
}

TEST(EndOfTurn, EnlistingDuringThePassIsCalledSoonAndDoesNotStarveTimers) {
  Loop loop(0, "t");
  std::vector<int> notes;
  Noting a(notes, 1);
  a.then = [&] { loop.enlist(a); };
  loop.post([&] { loop.enlist(a); });
  Timer end = loop.after(milliseconds(20), [&] { loop.stop(); });
  run_bounded(loop);
  EXPECT_GT(notes.size(), 2U);
  loop.withdraw(a);
  EXPECT_FALSE(a.is_enlisted());
}

TEST(EndOfTurn, OneMayWithdrawAnyOtherDuringThePass) {
  for (int victim = 1; victim <= 3; ++victim) {
    Loop loop(0, "t");
    std::vector<int> notes;
    Noting first(notes, 0);
    Noting one(notes, 1);
    Noting two(notes, 2);
    Noting three(notes, 3);
    Noting late(notes, 9);
    Noting* all[] = {&first, &one, &two, &three};
    first.then = [&] {
      loop.enlist(late);
      loop.withdraw(*all[victim]);
    };
    loop.post([&] {
      for (Noting* each : all) loop.enlist(*each);
    });
    loop.post([&] { loop.post([&] { loop.stop(); }); });
    run_bounded(loop);
    std::vector<int> expected = {0, 1, 2, 3, 9};
    std::erase(expected, victim);
    EXPECT_EQ(notes, expected);
  }
}

TEST(Loop, DestroysLaterAtTheEndOfTheTurnAfterEndOfTurnCalls) {
  struct Dying {
    explicit Dying(std::vector<int>& n) : notes(n) {}
    ~Dying() { notes.push_back(7); }
    std::vector<int>& notes;
  };
  Loop loop(0, "t");
  std::vector<int> notes;
  Noting a(notes, 1);
  loop.post([&] {
    loop.destroy_later(std::make_unique<Dying>(notes));
    loop.enlist(a);
    notes.push_back(0);
  });
  loop.stop();
  run_bounded(loop);
  EXPECT_EQ(notes, (std::vector<int>{0, 1, 7}));
}

TEST(Loop, TimeStandsStillWithinATurnAndGoesOnInTheNext) {
  Loop loop(0, "t");
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  loop.post([&] {
    first = loop.now_ms();
    std::this_thread::sleep_for(milliseconds(15));
    EXPECT_EQ(loop.now_ms(), first);
    loop.post([&] {
      second = loop.now_ms();
      loop.stop();
    });
  });
  run_bounded(loop);
  EXPECT_GE(second, first + 14);
}

TEST(Loop, LogsATurnThatTookTooLongAndNoOther) {
  std::string path = ::testing::TempDir() + "impulse-loop-test-XXXXXX";
  const UniqueFd file(::mkstemp(path.data()));
  ASSERT_TRUE(file);
  ASSERT_TRUE(log::open_file(path));
  Loop loop(0, "slowpoke");
  loop.set_slow_turn(milliseconds(300));
  Timer quick = loop.after(milliseconds(1), [] { std::this_thread::sleep_for(milliseconds(5)); });
  Timer slow = loop.after(milliseconds(10), [&] {
    std::this_thread::sleep_for(milliseconds(330));
    loop.stop();
  });
  run_bounded(loop);
  ASSERT_TRUE(log::open_file(""));
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  ::unlink(path.c_str());
  EXPECT_NE(text.str().find(" WARNING event loop_turn_slow loop=slowpoke ms=3"), std::string::npos)
      << text.str();
  EXPECT_EQ(std::ranges::count(text.str(), '\n'), 1);
}

TEST(Loop, BlocksSigpipeOnItsThreadForOpenssl) {
  RunningLoop loop;
  EXPECT_TRUE(loop.call([] {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return sigismember(&blocked, SIGPIPE) == 1;
  }));
}

TEST(LoopGroup, HasOneLoopPerThreadAndGivesAKeyTheSameHome) {
  LoopGroup group(3);
  ASSERT_EQ(group.size(), 3U);
  EXPECT_EQ(group.at(2).index(), 2U);
  EXPECT_EQ(group.main().index(), 3U);
  EXPECT_EQ(&group.home(7), &group.home(7));
  EXPECT_NE(&group.home(7), &group.home(8));
  group.start();
  Watched<std::set<std::thread::id>> threads;
  for (unsigned i = 0; i < group.size(); ++i) {
    group.at(i).post([&, i] {
      EXPECT_EQ(Loop::current(), &group.at(i));
      threads.change([](auto& set) { set.insert(std::this_thread::get_id()); });
    });
  }
  EXPECT_TRUE(threads.wait_for([](const auto& set) { return set.size() == 3; }));
  group.stop();
  EXPECT_FALSE(threads.get().contains(std::this_thread::get_id()));
}

TEST(LoopGroup, DestroysWhatWaitsInMailboxesThatNeverRan) {
  auto owned = std::make_shared<int>(0);
  {
    LoopGroup group(2);
    group.at(0).post([owned] { FAIL() << "must not run"; });
    group.main().post([owned] { FAIL() << "must not run"; });
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(LoopGroup, ZeroMeansOneLoopForEachProcessor) {
  const LoopGroup group(0);
  EXPECT_EQ(group.size(), std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace impulse::event
