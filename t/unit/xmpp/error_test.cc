// Tests of error conditions: RFC 6120 sections 4.9.3 and 8.3.3.
#include "modules/xmpp/error.h"

#include <gtest/gtest.h>

namespace impulse::xmpp {
namespace {

TEST(StreamErrors, AreWrittenWithConditionAndText) {
  EXPECT_EQ(to_xml(StreamError{StreamCondition::kNotWellFormed, ""}),
            "<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "</stream:error>");
  EXPECT_EQ(to_xml(StreamError{StreamCondition::kUnsupportedVersion, "a<b"}),
            "<stream:error><unsupported-version xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a&lt;b</text>"
            "</stream:error>");
}

TEST(StreamErrors, SeeOtherHostHoldsTheHost) {  // section 4.9.3.19
  EXPECT_EQ(to_xml(StreamError{StreamCondition::kSeeOtherHost, "[2001:db8::1]:5222"}),
            "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>"
            "[2001:db8::1]:5222</see-other-host></stream:error>");
}

TEST(StanzaErrors, NamesAreReadBackAndTypesAreThoseOfSection833) {
  for (int i = 0; i <= static_cast<int>(StanzaCondition::kUnexpectedRequest); ++i) {
    const auto condition = static_cast<StanzaCondition>(i);
    EXPECT_EQ(stanza_condition(name_of(condition)), condition);
  }
  EXPECT_EQ(stanza_condition("Bad-Request"), std::nullopt);
  EXPECT_EQ(default_type(StanzaCondition::kBadRequest), "modify");
  EXPECT_EQ(default_type(StanzaCondition::kForbidden), "auth");
  EXPECT_EQ(default_type(StanzaCondition::kServiceUnavailable), "cancel");
  EXPECT_EQ(default_type(StanzaCondition::kResourceConstraint), "wait");
  EXPECT_EQ(name_of(StanzaCondition::kSubscriptionRequired), "subscription-required");
}

}  // namespace
}  // namespace impulse::xmpp
