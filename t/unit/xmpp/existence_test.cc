// Tests of modules/xmpp/existence.cc: which stores are asked, and what is remembered.
#include "modules/xmpp/existence.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace impulse::xmpp {
namespace {

Jid jid(std::string_view text) { return Jid::parse(text).value(); }

/// Counts what it is asked; may be out of order, and may keep its answers until told.
class FakeStore final : public aaa::PasswordStore {
 public:
  explicit FakeStore(std::set<std::string> users) : users_(std::move(users)) {}
  const std::string& uri() const override { return uri_; }
  void find(event::Loop&, std::string user, std::string domain, aaa::Found found) override {
    asked.push_back(user + "@" + domain);
    if (is_slow) {
      waiting_.push_back([this, user, found = std::move(found)]() mutable { answer(user, found); });
    } else {
      answer(user, found);
    }
  }
  void answer_all() {
    for (auto& waits : std::exchange(waiting_, {})) waits();
  }

  std::vector<std::string> asked;
  bool is_failing = false;
  bool is_slow = false;

 private:
  void answer(const std::string& user, aaa::Found& found) {
    if (is_failing) return found(Error{ErrorCode::kUnavailable, "the store is away"});
    if (!users_.contains(user)) return found(std::optional<aaa::Credentials>());
    found(std::optional<aaa::Credentials>(aaa::Credentials()));
  }
  std::set<std::string> users_;
  std::vector<UniqueFunction<void()>> waiting_;
  std::string uri_ = "test://";
};

class ExistenceOf : public ::testing::Test {
 protected:
  using Stores = std::vector<std::shared_ptr<aaa::PasswordStore>>;
  enum class Answer { kNone, kYes, kNo, kError };
  void ask_into(Answer& answer, std::string_view address) {
    existence_.ask(loop_, jid(address), [&answer](Result<bool> exists) {
      EXPECT_EQ(answer, Answer::kNone) << "answered twice";
      answer = !exists ? Answer::kError : *exists ? Answer::kYes : Answer::kNo;
    });
  }
  Answer ask(std::string_view address) {
    Answer answer = Answer::kNone;
    ask_into(answer, address);
    return answer;
  }

  event::Loop loop_{0, "test"};
  Existence existence_;
  // Owners: the test, and existence_.
  std::shared_ptr<FakeStore> first_ = std::make_shared<FakeStore>(std::set<std::string>{"juliet"});
  std::shared_ptr<FakeStore> second_ = std::make_shared<FakeStore>(std::set<std::string>{"romeo"});
};

TEST_F(ExistenceOf, NobodyIsKnownWithoutStores) {
  EXPECT_EQ(ask("juliet@example.com"), Answer::kNo);
}

TEST_F(ExistenceOf, StoresAreAskedInOrderUntilOneKnowsTheAccount) {
  existence_.set_stores({first_, second_});
  EXPECT_EQ(ask("romeo@example.com"), Answer::kYes);
  EXPECT_EQ(first_->asked, std::vector<std::string>{"romeo@example.com"});
  EXPECT_EQ(second_->asked, std::vector<std::string>{"romeo@example.com"});
  EXPECT_EQ(ask("juliet@example.com"), Answer::kYes);
  EXPECT_EQ(second_->asked.size(), 1u) << "the first one knew her";
  EXPECT_EQ(ask("tybalt@example.com"), Answer::kNo);
}

TEST_F(ExistenceOf, ADomainIsNoAccountAndNobodyIsAsked) {
  existence_.set_stores({first_});
  EXPECT_EQ(ask("example.com"), Answer::kNo);
  EXPECT_TRUE(first_->asked.empty());
}

TEST_F(ExistenceOf, YesIsRememberedPerAccount) {
  existence_.set_stores({first_});
  EXPECT_EQ(ask("juliet@example.com"), Answer::kYes);
  first_->is_failing = true;
  EXPECT_EQ(ask("juliet@example.com"), Answer::kYes);
  EXPECT_EQ(ask("juliet@example.net"), Answer::kError) << "another account";
  EXPECT_EQ(first_->asked.size(), 2u);
}

TEST_F(ExistenceOf, NoIsNotRememberedSoThatANewAccountIsThereAtOnce) {
  existence_.set_stores({first_});
  EXPECT_EQ(ask("romeo@example.com"), Answer::kNo);
  EXPECT_EQ(ask("romeo@example.com"), Answer::kNo);
  EXPECT_EQ(first_->asked.size(), 2u);
}

TEST_F(ExistenceOf, AStoreThatFailsMeansNotKnownRatherThanNo) {
  first_->is_failing = true;
  existence_.set_stores({first_, second_});
  EXPECT_EQ(ask("tybalt@example.com"), Answer::kError);
  first_->is_failing = false;
  EXPECT_EQ(ask("tybalt@example.com"), Answer::kNo) << "an error is not remembered";
}

TEST_F(ExistenceOf, OtherStoresForgetWhatWasRemembered) {
  existence_.set_stores({first_});
  EXPECT_EQ(ask("juliet@example.com"), Answer::kYes);
  existence_.set_stores({second_});
  EXPECT_EQ(ask("juliet@example.com"), Answer::kNo);
}

TEST_F(ExistenceOf, AQuestionUnderWayKeepsTheStoresItBeganWith) {
  first_->is_slow = true;
  existence_.set_stores({first_});
  Answer late = Answer::kNone;
  ask_into(late, "juliet@example.com");
  existence_.set_stores({second_});
  EXPECT_EQ(late, Answer::kNone);
  first_->answer_all();
  EXPECT_EQ(late, Answer::kYes);
  EXPECT_EQ(ask("juliet@example.com"), Answer::kNo) << "said by a store that is no longer in use";
}

}  // namespace
}  // namespace impulse::xmpp
