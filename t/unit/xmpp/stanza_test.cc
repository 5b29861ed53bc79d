// Tests of stanzas: RFC 6120 section 8, RFC 6121 sections 4.7.1 and 5.2.2.
#include "modules/xmpp/stanza.h"

#include <gtest/gtest.h>

#include "modules/xmpp/parser.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

std::variant<Stanza, BadStanza> from(std::string_view text) {
  return Stanza::from(*parse_element(text));
}
Stanza good(std::string_view text) { return std::get<Stanza>(from(text)); }
std::string write(const Stanza& stanza) { return to_xml(stanza.element(), "jabber:client"); }

TEST(Stanza, BadOnesAreRefusedWithTheirCondition) {
  struct {
    const char* text;
    StanzaCondition condition;
  } const rows[] = {
      {"<iq type='get'><a xmlns='x'/></iq>", StanzaCondition::kBadRequest},
      {"<iq id='1'><a xmlns='x'/></iq>", StanzaCondition::kBadRequest},
      {"<iq id='1' type='ask'><a xmlns='x'/></iq>", StanzaCondition::kBadRequest},
      {"<iq id='1' type='get'/>", StanzaCondition::kBadRequest},
      {"<iq id='1' type='set'><a/><b/></iq>", StanzaCondition::kBadRequest},
      {"<iq id='1' type='result'><a/><b/></iq>", StanzaCondition::kBadRequest},
      {"<presence type='invisible'/>", StanzaCondition::kBadRequest},
      {"<presence type=''/>", StanzaCondition::kBadRequest},
      {"<message to='a b@c'/>", StanzaCondition::kJidMalformed},
      {"<message from='@c'/>", StanzaCondition::kJidMalformed},
      {"<message to=''/>", StanzaCondition::kJidMalformed},
      {"<other/>", StanzaCondition::kBadRequest},
  };
  for (const auto& row : rows) {
    auto result = from(row.text);
    ASSERT_TRUE(std::holds_alternative<BadStanza>(result)) << row.text;
    EXPECT_EQ(name_of(std::get<BadStanza>(result).error.condition), name_of(row.condition))
        << row.text;
    EXPECT_EQ(to_xml(std::get<BadStanza>(result).document.root(), ""),
              to_xml(parse_element(row.text)->root(), ""));
  }
}

TEST(Stanza, TypesAndAddressesAreParsed) {
  EXPECT_EQ(good("<message type='groupchat'/>").message_type(), MessageType::kGroupchat);
  EXPECT_EQ(good("<message/>").message_type(), MessageType::kNormal);
  EXPECT_EQ(good("<message type='shout'/>").message_type(), MessageType::kNormal);
  EXPECT_EQ(good("<presence/>").presence_type(), PresenceType::kAvailable);
  EXPECT_EQ(good("<presence type='probe'/>").presence_type(), PresenceType::kProbe);
  EXPECT_EQ(good("<iq id='1' type='result'/>").iq_type(), IqType::kResult);
  EXPECT_TRUE(good("<iq id='1' type='error'/>").is_error());
  const Stanza stanza = good("<message to='JULIET@example.com/x' from='a@b'/>");
  EXPECT_EQ(stanza.to()->text(), "juliet@example.com/x");
  EXPECT_EQ(stanza.from()->text(), "a@b");
}

TEST(Stanza, ResultSwapsAddressesAndKeepsTheId) {
  const Stanza request = good("<iq id='7' type='get' from='a@b/c' to='d'><q xmlns='x'/></iq>");
  EXPECT_TRUE(request.is_request());
  EXPECT_EQ(request.payload()->name(), "q");
  const Stanza result = request.result();
  EXPECT_EQ(write(result), "<iq id='7' from='d' to='a@b/c' type='result'/>");
  EXPECT_EQ(result.to()->text(), "a@b/c");
  EXPECT_FALSE(result.may_be_answered());
}

TEST(Stanza, ErrorReplyEchoesThePayloadAndEndsWithTheError) {  // RFC 6120 section 8.3.1
  const Stanza request = good("<iq id='7' type='get' from='a@b/c' to='d'><q xmlns='x'/></iq>");
  const Stanza reply =
      request.error_reply({.condition = StanzaCondition::kItemNotFound, .text = "no <such>"});
  EXPECT_EQ(write(reply),
            "<iq id='7' from='d' to='a@b/c' type='error'><q xmlns='x'/><error type='cancel'>"
            "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no &lt;such&gt;"
            "</text></error></iq>");
  EXPECT_TRUE(reply.is_error());
  EXPECT_FALSE(reply.may_be_answered());
  const Stanza wait =
      good("<message/>")
          .error_reply(
              {.condition = StanzaCondition::kPolicyViolation, .text = {}, .type = "wait"});
  EXPECT_EQ(wait.element().child("error")->attribute("type"), "wait");
}

TEST(Stanza, ErrorReplyDropsALargePayload) {
  const std::string text = "<message><a>" + std::string(4089, 'x') + "</a><b/></message>";
  const Stanza fits = good(text);
  EXPECT_NE(fits.error_reply({}).element().child("a"), nullptr);
  const Stanza large = good("<message><a>" + std::string(4090, 'x') + "</a><b/></message>");
  const Stanza reply = large.error_reply({});
  EXPECT_EQ(reply.element().child("a"), nullptr);
  EXPECT_NE(reply.element().child("b"), nullptr);
}

TEST(Stanza, BuiltOnesSayWhatTheyAre) {
  const Jid a = *Jid::parse("a@b/c");
  const Jid d = *Jid::parse("d@e");
  EXPECT_EQ(write(Stanza::message(MessageType::kChat, a, d)),
            "<message from='a@b/c' to='d@e' type='chat'/>");
  EXPECT_EQ(write(Stanza::presence(PresenceType::kAvailable, a, std::nullopt)),
            "<presence from='a@b/c'/>");
  Stanza iq = Stanza::iq(IqType::kSet, "1", std::nullopt, d);
  EXPECT_EQ(write(iq), "<iq to='d@e' id='1' type='set'/>");
  iq.remove_to();
  iq.set_from(a);
  EXPECT_EQ(write(iq.clone()), "<iq id='1' type='set' from='a@b/c'/>");
  EXPECT_FALSE(iq.to());
}

}  // namespace
}  // namespace impulse::xmpp
