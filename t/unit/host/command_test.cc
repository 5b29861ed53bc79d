// Tests of host/control/command.cc.
#include "host/control/command.h"

#include <gtest/gtest.h>

namespace impulse::control {
namespace {

class Console : public testing::Test {
 protected:
  void offer(const std::string& words) {
    registrations_.push_back(table_.add({.words = words,
                                         .arguments = "",
                                         .help = "Does it.",
                                         .run = [words](Request request, Reply reply) {
                                           std::string said = words + ":";
                                           for (auto& a : request.arguments) said += " " + a;
                                           if (!request.input.empty())
                                             said += " < " + request.input;
                                           reply(said);
                                         }}));
  }
  Result<std::string> type(std::vector<std::string> words, std::string input = "") {
    Result<std::string> answer = Error{ErrorCode::kClosed, "no answer came"};
    table_.run(std::move(words), std::move(input),
               [&](Result<std::string> result) { answer = std::move(result); });
    return answer;
  }

  CommandTable table_;
  Registrations registrations_;
};

TEST_F(Console, LongestMatchingWordsWin) {
  offer("config");
  offer("config show");
  EXPECT_EQ(*type({"config", "show", "listen"}), "config show: listen");
  EXPECT_EQ(*type({"config", "other"}), "config: other");
}

TEST_F(Console, InputReachesTheCommand) {
  offer("user add");
  EXPECT_EQ(*type({"user", "add", "juliet@example.com"}, "secret"),
            "user add: juliet@example.com < secret");
}

TEST_F(Console, BeginningOfACommandIsNotTheCommand) {
  offer("user add");
  auto answer = type({"user"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kNotFound);
  EXPECT_NE(answer.error().what.find("\"user add\""), std::string::npos) << answer.error().what;
}

TEST_F(Console, MistypedCommandIsToldWhatIsNear) {
  offer("reopen logs");
  offer("shutdown");
  auto answer = type({"shutdwon"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "unknown command \"shutdwon\"; did you mean \"shutdown\"?");
}

TEST_F(Console, NothingNearPointsToHelp) {
  offer("shutdown");
  auto answer = type({"make", "coffee"});
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().what.find("\"help\" lists all commands"), std::string::npos);
}

TEST_F(Console, NoWordsAtAllAreRefused) {
  offer("shutdown");
  EXPECT_FALSE(type({}));
}

TEST_F(Console, CommandIsGoneWithItsRegistration) {
  offer("version");
  ASSERT_TRUE(type({"version"}));
  registrations_.clear();
  EXPECT_FALSE(type({"version"}));
}

TEST_F(Console, CommandMayRemoveItselfWhileItRuns) {
  registrations_.push_back(table_.add(
      {.words = "leave", .arguments = "", .help = "Leaves.", .run = [this](Request, Reply reply) {
         registrations_.clear();
         reply(std::string("left"));
       }}));
  EXPECT_EQ(*type({"leave"}), "left");
  EXPECT_FALSE(type({"leave"}));
}

TEST_F(Console, CommandsAreListedInOrderOfTheirWords) {
  offer("version");
  offer("config show");
  offer("config eval");
  std::string listed;
  for (const Command* command : table_.sorted()) listed += command->words + ";";
  EXPECT_EQ(listed, "config eval;config show;version;");
}

}  // namespace
}  // namespace impulse::control
