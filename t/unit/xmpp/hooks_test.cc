// Tests of modules/xmpp/hooks.cc: order in a chain, waiting, and what becomes of a dropped Resume.
#include "modules/xmpp/hooks.h"

#include <gtest/gtest.h>

#include <set>

#include "t/unit/xmpp/engine_fixture.h"

namespace impulse::xmpp {
namespace {

using test::jid;
using test::RunningEngine;
using test::stanza;

constexpr auto kPoint = HookPoint::kServerMessageRecv;

TEST(HookTable, HasOneRowForEachPointInOrder) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kHookPoints; ++i) {
    const HookRow& row = hook_table()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.point), i) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.when.ends_with('.')) << row.name;
    EXPECT_TRUE(row.done.ends_with('.')) << row.name;
  }
}

/// A chain of its own on a loop; handlers write down that they were asked.
class HookChain : public ::testing::Test {
 protected:
  HookHandler saying(std::string name, Verdict verdict) {
    return [this, name = std::move(name), verdict](Passage&) {
      asked_ += name;
      return verdict;
    };
  }
  /// Keeps the passage until `resume_` is called.
  HookHandler waiting() {
    return [this](Passage& passage) {
      asked_ += "w";
      resume_ = passage.wait();
      return Verdict::kWait;
    };
  }
  void add(int order, HookHandler handler) {
    added_.push_back(hooks_.add(kPoint, order, std::move(handler)));
  }
  void run(std::string_view text = "<message from='a@example.com' to='example.com'/>") {
    hooks_.run(Passage(kPoint, nullptr, nullptr, stanza(text)), finish());
  }
  UniqueFunction<void(Passage, Verdict)> finish() {
    return [this](Passage passage, Verdict verdict) {
      EXPECT_TRUE(passage.stanza.has_value());
      asked_ += verdict == Verdict::kDone ? "D" : "C";
    };
  }
  /// What was asked since, then C or D for the verdict.
  std::string asked() { return std::exchange(asked_, {}); }

  RunningEngine engine_;
  HookRunner hooks_{engine_->at(0)};
  std::string asked_;
  Resume resume_;
  Registrations added_;
};

TEST_F(HookChain, AsksByOrderAndEqualOrdersAsRegistered) {
  add(10, saying("c", Verdict::kCont));
  add(-5, saying("a", Verdict::kCont));
  add(10, saying("d", Verdict::kCont));
  add(0, saying("b", Verdict::kCont));
  run();
  EXPECT_EQ(asked(), "abcdC");
}

TEST_F(HookChain, DoneEndsIt) {
  add(0, saying("a", Verdict::kCont));
  add(0, saying("b", Verdict::kDone));
  add(0, saying("c", Verdict::kCont));
  run();
  EXPECT_EQ(asked(), "abD");
}

TEST_F(HookChain, AnEmptyChainContinues) {
  EXPECT_FALSE(hooks_.has(kPoint));
  run();
  EXPECT_EQ(asked(), "C");
}

TEST_F(HookChain, ARegistrationThatIsDroppedIsAskedNoMore) {
  add(0, saying("a", Verdict::kDone));
  EXPECT_TRUE(hooks_.has(kPoint));
  EXPECT_FALSE(hooks_.has(HookPoint::kClientIqRecv));
  added_.clear();
  EXPECT_FALSE(hooks_.has(kPoint));
  run();
  EXPECT_EQ(asked(), "C");
}

TEST_F(HookChain, AWaitingHandlerHoldsItUntilItsResumeIsCalled) {
  add(0, saying("a", Verdict::kCont));
  add(1, waiting());
  add(1, saying("b", Verdict::kCont));
  run();
  EXPECT_EQ(asked(), "aw");
  EXPECT_EQ(resume_.passage().stanza->to()->text(), "example.com");
  resume_(Verdict::kCont);
  EXPECT_EQ(asked(), "bC") << "it goes on behind the handler that waited";
  EXPECT_FALSE(resume_);
}

TEST_F(HookChain, DoneAfterWaitingEndsIt) {
  add(0, waiting());
  add(1, saying("b", Verdict::kCont));
  run();
  resume_(Verdict::kDone);
  EXPECT_EQ(asked(), "wD");
}

TEST_F(HookChain, TwoMayWaitOneAfterTheOther) {
  add(0, waiting());
  add(1, waiting());
  run();
  std::exchange(resume_, Resume())(Verdict::kCont);
  EXPECT_EQ(asked(), "ww");
  std::exchange(resume_, Resume())(Verdict::kCont);
  EXPECT_EQ(asked(), "C");
}

// A new generation of scripts comes while a stanza waits: each order is still asked once.
TEST_F(HookChain, TheChainMayBeReplacedWhileAPassageWaits) {
  add(0, saying("a", Verdict::kCont));
  add(1, waiting());
  add(2, saying("b", Verdict::kCont));
  run();
  added_.clear();
  add(0, saying("x", Verdict::kCont));
  add(1, saying("W", Verdict::kCont));
  add(2, saying("y", Verdict::kCont));
  resume_(Verdict::kCont);
  EXPECT_EQ(asked(), "awyC");
}

TEST_F(HookChain, OneHandlerAloneIsNoChain) {
  add(0, saying("chain", Verdict::kDone));
  hooks_.run_one(saying("one", Verdict::kCont),
                 Passage(kPoint, nullptr, nullptr, stanza("<message/>")), finish());
  EXPECT_EQ(asked(), "oneC");
  hooks_.run_one(waiting(), Passage(kPoint, nullptr, nullptr, stanza("<message/>")), finish());
  resume_(Verdict::kCont);
  EXPECT_EQ(asked(), "wC");
}

TEST_F(HookChain, RunNowAsksInPlace) {
  add(1, saying("b", Verdict::kDone));
  add(0, saying("a", Verdict::kCont));
  add(2, saying("c", Verdict::kCont));
  Passage passage(kPoint, nullptr, nullptr, stanza("<message/>"));
  EXPECT_EQ(hooks_.run_now(passage), Verdict::kDone);
  EXPECT_EQ(asked(), "ab");
}

/// Errors that the engine sends to an account whose home is loop 0.
class DroppedResume : public HookChain {
 protected:
  DroppedResume() {
    while (engine_.home_of(sender_) != 0) sender_.insert(0, "a");
    engine_.at(0, [this] {
      catcher_ = engine_->at(0).hooks().add(HookPoint::kAccountMessageRecv, 0, [this](Passage& p) {
        errors_.emplace_back(p.stanza->element().child("error")->first_child()->name());
        return Verdict::kDone;
      });
      add(0, waiting());
    });
  }
  ~DroppedResume() override {
    engine_.at(0, [this] { catcher_ = {}; });
  }
  std::string message() const { return "<message from='" + sender_ + "' to='example.com'/>"; }

  std::string sender_ = "a@example.com";
  std::vector<std::string> errors_;
  Registration catcher_;
};

TEST_F(DroppedResume, AnswersInternalServerErrorAndEndsTheChain) {
  engine_.at(0, [this] {
    run(message());
    const Resume dropped = std::move(resume_);
  });
  EXPECT_EQ(asked(), "wD");
  EXPECT_EQ(errors_, std::vector<std::string>{"internal-server-error"});
}

TEST_F(DroppedResume, IsAnsweredAlsoWhenAnotherTakesItsPlace) {
  engine_.at(0, [this] {
    run(message());
    run(message());
  });
  EXPECT_EQ(asked(), "wwD") << "the first was dropped when the second was assigned";
  EXPECT_EQ(errors_, std::vector<std::string>{"internal-server-error"});
  engine_.at(0, [this] { resume_(Verdict::kDone); });
  EXPECT_EQ(errors_.size(), 1u);
}

TEST_F(DroppedResume, IsNotAnsweredToWhatMustNotBeAnswered) {
  engine_.at(0, [this] {
    run("<message type='error' from='" + sender_ + "' to='example.com'/>");
    resume_ = Resume();
  });
  EXPECT_EQ(asked(), "wD");
  EXPECT_TRUE(errors_.empty());
}

}  // namespace
}  // namespace impulse::xmpp
