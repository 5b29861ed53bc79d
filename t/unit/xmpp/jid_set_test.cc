// Tests of modules/xmpp/jid_set.cc: grouping by home, and groups that others hold.
#include "modules/xmpp/jid_set.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace impulse::xmpp {
namespace {

Jid jid(std::string_view text) { return Jid::parse(text).value(); }
Jid user(int number) { return jid("user" + std::to_string(number) + "@example.com"); }

std::set<std::string> texts(const JidSet::Group& group) {
  std::set<std::string> all;
  if (group) {
    for (const Jid& member : *group) all.emplace(member.text());
  }
  return all;
}

TEST(JidSet, HoldsEachMemberOnce) {
  JidSet set;
  EXPECT_TRUE(set.insert(jid("a@b")));
  EXPECT_FALSE(set.insert(jid("A@b"))) << "the same address, prepared";
  EXPECT_TRUE(set.insert(jid("c@b")));
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.contains("a@b"));
  EXPECT_FALSE(set.contains("a@b/x"));
  EXPECT_TRUE(set.erase("a@b"));
  EXPECT_FALSE(set.erase("a@b"));
  EXPECT_FALSE(set.contains("a@b"));
  set.clear();
  EXPECT_EQ(set.size(), 0u);
}

TEST(JidSet, EveryMemberIsInTheGroupOfItsHomeAndInNoOther) {
  JidSet set;
  for (int i = 0; i < 100; ++i) set.insert(user(i));
  for (unsigned loops : {1u, 3u, 2u}) {
    std::size_t total = 0;
    for (unsigned loop = 0; loop < loops; ++loop) {
      const JidSet::Group group = set.group(loop, loops);
      ASSERT_NE(group, nullptr) << "a hundred addresses leave no loop empty";
      for (const Jid& member : *group) EXPECT_EQ(member.home_hash() % loops, loop);
      total += texts(group).size();
    }
    EXPECT_EQ(total, 100u) << loops << " loops";
  }
}

TEST(JidSet, AnEmptyGroupIsNull) {
  JidSet set;
  EXPECT_EQ(set.group(0, 2), nullptr);
  const Jid only = user(1);
  set.insert(only);
  const unsigned home = static_cast<unsigned>(only.home_hash() % 2);
  EXPECT_NE(set.group(home, 2), nullptr);
  EXPECT_EQ(set.group(1 - home, 2), nullptr);
  set.erase(only.text());
  EXPECT_EQ(set.group(home, 2), nullptr);
}

TEST(JidSet, GroupsThatWereHandedOutStayAsTheyWere) {
  JidSet set;
  set.insert(user(1));
  const JidSet::Group before = set.group(0, 1);
  set.insert(user(2));
  EXPECT_EQ(texts(before), std::set<std::string>{"user1@example.com"});
  const JidSet::Group after = set.group(0, 1);
  EXPECT_EQ(texts(after), (std::set<std::string>{"user1@example.com", "user2@example.com"}));
  set.clear();
  EXPECT_EQ(texts(after).size(), 2u);
  EXPECT_EQ(set.group(0, 1), nullptr);
}

TEST(JidSet, GroupsAreSharedAsLongAsNothingChanges) {
  JidSet set;
  set.insert(user(1));
  const JidSet::Group group = set.group(0, 1);
  EXPECT_EQ(set.group(0, 1), group);
  set.insert(user(1));
  set.erase("stranger@example.com");
  EXPECT_EQ(set.group(0, 1), group) << "neither changed the set";
}

}  // namespace
}  // namespace impulse::xmpp
