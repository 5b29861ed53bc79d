// Tests of modules/xmpp/iq.cc: which handler answers a request.
#include "modules/xmpp/iq.h"

#include <gtest/gtest.h>

#include <optional>

#include "modules/xmpp/engine.h"

namespace impulse::xmpp {
namespace {

/// A handler that can be told from others by what it answers.
HookHandler answering(Verdict verdict) {
  return [verdict](Passage&) { return verdict; };
}
std::optional<Verdict> ask(const HookHandler* handler) {
  if (!handler) return std::nullopt;
  Passage passage(HookPoint::kClientIqRecv, nullptr, nullptr, std::nullopt);
  return (*handler)(passage);
}

TEST(IqTable, FindsByTargetTypeNamespaceAndName) {
  IqTable table;
  const Registration one =
      table.add(IqTarget::kAccount, "get", "jabber:iq:roster", "query", answering(Verdict::kDone));
  EXPECT_NE(table.find(IqTarget::kAccount, "get", "jabber:iq:roster", "query"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kServer, "get", "jabber:iq:roster", "query"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kAccount, "set", "jabber:iq:roster", "query"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kAccount, "get", "jabber:iq:version", "query"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kAccount, "get", "jabber:iq:roster", "item"), nullptr);
}

TEST(IqTable, APartOfOneNameIsNotTakenForAnother) {
  IqTable table;
  const Registration one =
      table.add(IqTarget::kServer, "get", "a", "bc", answering(Verdict::kDone));
  EXPECT_EQ(table.find(IqTarget::kServer, "get", "ab", "c"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kServer, "ge", "ta", "bc"), nullptr);
  EXPECT_EQ(table.find(IqTarget::kServer, "get", "", "abc"), nullptr);
}

TEST(IqTable, TheLaterHandlerAnswersUntilItIsUndone) {
  IqTable table;
  Registration first = table.add(IqTarget::kServer, "get", "n", "q", answering(Verdict::kCont));
  auto found = [&] { return ask(table.find(IqTarget::kServer, "get", "n", "q")); };
  {
    const Registration second =
        table.add(IqTarget::kServer, "get", "n", "q", answering(Verdict::kDone));
    EXPECT_EQ(found(), Verdict::kDone);
  }
  EXPECT_EQ(found(), Verdict::kCont);
  first = {};
  EXPECT_EQ(found(), std::nullopt);
}

// A new generation registers before the old one goes.
TEST(IqTable, UndoingTheEarlierHandlerLeavesTheLater) {
  IqTable table;
  Registration first = table.add(IqTarget::kServer, "get", "n", "q", answering(Verdict::kCont));
  const Registration second =
      table.add(IqTarget::kServer, "get", "n", "q", answering(Verdict::kDone));
  first = {};
  EXPECT_EQ(ask(table.find(IqTarget::kServer, "get", "n", "q")), Verdict::kDone);
}

}  // namespace
}  // namespace impulse::xmpp
