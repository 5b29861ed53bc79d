// Tests of an engine with clients: who gets a stanza, in what order, on one loop and across two.
#include <gtest/gtest.h>

#include "t/unit/xmpp/engine_fixture.h"

namespace impulse::xmpp {
namespace {

using test::Client;
using test::jid;
using test::RunningEngine;

constexpr std::string_view kHere = "<presence/>";

std::string message(std::string_view to, std::string_view id, std::string_view type = "chat") {
  return "<message to='" + std::string(to) + "' id='" + std::string(id) + "' type='" +
         std::string(type) + "'><body>x</body></message>";
}

/// Juliet, somebody whose home is the other loop, and a bystander.
class Routing : public ::testing::Test {
 protected:
  void SetUp() override {
    std::tie(user_, other_) = engine_.strangers();
    // Both begin on loop 0; whose home is loop 1 moves when it has authenticated.
    juliet_.log_in(user_, "home", kHere);
    romeo_.log_in(other_, "street", kHere);
    bystander_.log_in("nurse", "house", kHere);
  }
  std::string romeo() const { return other_ + "@example.com"; }

  RunningEngine engine_;
  std::string user_, other_;
  Client juliet_{engine_, 0};
  Client romeo_{engine_, 0};
  Client bystander_{engine_, 1};
};

TEST_F(Routing, AFullJidReachesThatResourceAndNobodyElse) {  // RFC 6121 section 8.5.3
  Client second(engine_, 1);
  second.log_in(other_, "orchard", kHere);
  juliet_.send(message(romeo() + "/orchard", "1"));
  EXPECT_NE(second.receive_until("</message>").find("id='1'"), std::string::npos);
  juliet_.settle();
  EXPECT_EQ(romeo_.settle(), "");
  EXPECT_EQ(bystander_.settle(), "");
}

TEST_F(Routing, AStanzaIsStampedWithTheSendersFullJid) {  // RFC 6120 section 8.1.2.1
  juliet_.send(message(romeo(), "1"));
  EXPECT_NE(romeo_.receive_until("</message>").find("from='" + user_ + "@example.com/home'"),
            std::string::npos);
}

TEST_F(Routing, OrderIsKeptAcrossLoops) {  // RFC 6120 section 10.1
  constexpr int kMessages = 300;
  std::string all;
  for (int i = 0; i < kMessages; ++i) {
    all += message(i % 2 == 0 ? romeo() : romeo() + "/street", std::to_string(i));
  }
  juliet_.send(all);
  for (int i = 0; i < kMessages; ++i) {
    const std::string got = romeo_.receive_until("</message>");
    ASSERT_NE(got.find("id='" + std::to_string(i) + "'"), std::string::npos) << got;
  }
}

TEST_F(Routing, TheMostAvailableResourceTakesWhatIsForTheBareJid) {
  Client second(engine_, 0);
  second.log_in(other_, "orchard", "<presence><priority>5</priority></presence>");
  juliet_.send(message(romeo(), "1"));
  EXPECT_NE(second.receive_until("</message>").find("id='1'"), std::string::npos);
  EXPECT_EQ(romeo_.settle(), "");
}

TEST_F(Routing, WhoIsNotThereIsRefusedUnlessScriptsKeepIt) {
  juliet_.send(message("paris@example.com", "1"));
  EXPECT_NE(juliet_.receive_until("</message>").find("<service-unavailable"), std::string::npos);
  juliet_.send(message("nobody@example.com", "2"));
  EXPECT_NE(juliet_.receive_until("</message>").find("<service-unavailable"), std::string::npos);
  juliet_.send(message("paris@example.net", "3"));
  EXPECT_NE(juliet_.receive_until("</message>").find("<remote-server-not-found"),
            std::string::npos);
  juliet_.send(message("paris@example.com", "4", "headline"));
  EXPECT_EQ(juliet_.settle(), "");
}

TEST_F(Routing, ARequestNobodyAnswersIsRefused) {  // RFC 6121 section 8.5.1
  for (const std::string& to : {std::string("example.com"), romeo(), romeo() + "/gone"}) {
    juliet_.send("<iq to='" + to + "' id='1' type='get'><q xmlns='x'/></iq>");
    EXPECT_NE(juliet_.receive_until("</iq>").find("<service-unavailable"), std::string::npos) << to;
  }
  EXPECT_EQ(romeo_.settle(), "");
}

// RFC 6121 section 8.5.3.1: requests to a resource want presence to be shared.
TEST_F(Routing, ARequestReachesAResourceThatSharesItsPresence) {
  const std::string request =
      "<iq to='" + romeo() + "/street' id='1' type='get'><q xmlns='x'/></iq>";
  juliet_.send(request);
  EXPECT_NE(juliet_.receive_until("</iq>").find("<service-unavailable"), std::string::npos);
  romeo_.send("<presence to='" + user_ + "@example.com/home'/>");
  romeo_.settle();
  juliet_.receive_until("<presence");
  juliet_.receive_until(">");
  juliet_.send(request);
  EXPECT_NE(romeo_.receive_until("</iq>").find("<q xmlns='x'/>"), std::string::npos);
}

TEST_F(Routing, AWaitingHookHoldsBackTheSendersLaterStanzasAndNobodyElses) {
  const unsigned home = engine_.home_of(user_ + "@example.com");
  Resume held;
  Registration hook;
  engine_.at(home, [&] {
    hook = engine_->at(home).hooks().add(HookPoint::kClientMessageRecv, 0, [&](Passage& passage) {
      if (passage.stanza->id() != "slow") return Verdict::kCont;
      held = passage.wait();
      return Verdict::kWait;
    });
  });
  juliet_.send(message(romeo(), "slow") + message(romeo(), "late"));
  bystander_.send(message(romeo(), "other"));
  EXPECT_NE(romeo_.receive_until("</message>").find("id='other'"), std::string::npos);
  while (!engine_.at(home, [&] { return static_cast<bool>(held); })) std::this_thread::yield();
  EXPECT_EQ(romeo_.settle(), "");
  engine_.at(home, [&] { held(Verdict::kCont); });
  EXPECT_NE(romeo_.receive_until("</message>").find("id='slow'"), std::string::npos);
  EXPECT_NE(romeo_.receive_until("</message>").find("id='late'"), std::string::npos);
  engine_.at(home, [&] { hook = {}; });
}

TEST_F(Routing, ADroppedPassageIsAnsweredAndTheSessionGoesOn) {
  const unsigned home = engine_.home_of(user_ + "@example.com");
  Registration hook;
  engine_.at(home, [&] {
    hook = engine_->at(home).hooks().add(HookPoint::kClientMessageRecv, 0, [](Passage& passage) {
      if (passage.stanza->id() != "lost") return Verdict::kCont;
      const Resume dropped = passage.wait();
      return Verdict::kWait;
    });
  });
  juliet_.send(message(romeo(), "lost") + message(romeo(), "next"));
  EXPECT_NE(juliet_.receive_until("</message>").find("<internal-server-error"), std::string::npos);
  EXPECT_NE(romeo_.receive_until("</message>").find("id='next'"), std::string::npos);
  engine_.at(home, [&] { hook = {}; });
}

TEST_F(Routing, FanOutReachesEveryAvailableResourceOfBothLoopsOnce) {
  const unsigned home = engine_.home_of(user_ + "@example.com");
  engine_.at(home, [&] {
    JidSet recipients;
    recipients.insert(jid(romeo()));
    recipients.insert(jid("nurse@example.com"));
    recipients.insert(jid("paris@example.com"));
    Stanza presence = Stanza::presence(PresenceType::kUnavailable, jid(user_ + "@example.com/home"),
                                       std::nullopt);
    presence.element().add_child("status").add_text("gone");
    engine_->at(home).fan_out(presence, recipients);
  });
  for (auto& [client, to] : {std::pair<Client&, std::string>(romeo_, romeo()),
                             std::pair<Client&, std::string>(bystander_, "nurse@example.com")}) {
    const std::string got = client.receive_until("</presence>");
    EXPECT_NE(got.find("<status>gone</status>"), std::string::npos) << got;
    EXPECT_NE(got.find("to='" + to + "'"), std::string::npos) << got;
    EXPECT_EQ(client.settle(), "");
  }
  EXPECT_EQ(juliet_.settle(), "");
}

}  // namespace
}  // namespace impulse::xmpp
