// Tests of modules/xmpp/delivery_table.h: every cell of RFC 6121 section 8.5.4.
#include "modules/xmpp/delivery_table.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace impulse::xmpp {
namespace {

constexpr auto S = MessageAction::kIgnore;
constexpr auto E = MessageAction::kRefuse;
constexpr auto O = MessageAction::kKeep;
constexpr auto D = MessageAction::kToResource;
constexpr auto M = MessageAction::kToMostAvailable;
constexpr auto A = MessageAction::kToAll;

/// A row of table 1. Where the RFC leaves a choice the columns say what we chose; `why` says why.
struct Row {
  const char* name;
  AddressMatch match;
  bool has_non_negative;
  MessageAction normal, chat, groupchat, headline;
  const char* why;
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.why; }

constexpr Row kRows[] = {
    // "Account does not exist" is "no active resources": kKeep finds out, and refuses.
    {"NoResourceBare", AddressMatch::kBare, false, O, O, E, S, "stored, headlines are lost"},
    {"NoResourceFull", AddressMatch::kResourceMissing, false, E, O, E, S,
     "S/E is E, so that a sender knows; a headline tells nobody"},
    {"OnlyNegativeBare", AddressMatch::kBare, false, O, O, E, S,
     "a negative priority takes no messages for the bare JID"},
    {"OnlyNegativeFullMatch", AddressMatch::kResourceThere, false, D, D, D, D,
     "what is addressed to a resource reaches it whatever its priority"},
    {"OnlyNegativeFullNoMatch", AddressMatch::kResourceMissing, false, E, O, E, S,
     "chat is handled as if for the bare JID"},
    // For one resource, "D" is the most available of one, and all of one.
    {"NonNegativeBare", AddressMatch::kBare, true, M, M, E, A, "M of M/A; A only for headlines"},
    {"NonNegativeFullMatch", AddressMatch::kResourceThere, true, D, D, D, D, "D of D/A*"},
    {"NonNegativeFullNoMatch", AddressMatch::kResourceMissing, true, E, M, E, S,
     "chat goes where the account is now; the rest was for that resource"},
};

class MessageDelivery : public ::testing::TestWithParam<Row> {};

TEST_P(MessageDelivery, IsAsInTheTable) {
  const Row& row = GetParam();
  auto action = [&](MessageType type) {
    return message_action(type, row.match, row.has_non_negative);
  };
  EXPECT_EQ(action(MessageType::kNormal), row.normal);
  EXPECT_EQ(action(MessageType::kChat), row.chat);
  EXPECT_EQ(action(MessageType::kGroupchat), row.groupchat);
  EXPECT_EQ(action(MessageType::kHeadline), row.headline);
}

// RFC 6121 section 8.5.2.1.1 and 8.5.3.2.1: an error is neither stored nor answered.
TEST_P(MessageDelivery, OfErrorsIsToTheResourceOrNowhere) {
  const Row& row = GetParam();
  EXPECT_EQ(message_action(MessageType::kError, row.match, row.has_non_negative),
            row.match == AddressMatch::kResourceThere ? D : S);
}

INSTANTIATE_TEST_SUITE_P(Rfc6121Section854, MessageDelivery, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace impulse::xmpp
