// Tests of addresses against RFC 7622, RFC 8265 and RFC 5893.
#include "modules/xmpp/jid.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace impulse::xmpp {
namespace {

struct Row {
  const char* name;
  std::string text;
  std::string prepared;  // empty = refused
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class JidTable : public testing::TestWithParam<Row> {};

TEST_P(JidTable, IsPreparedOrRefused) {
  const auto jid = Jid::parse(GetParam().text);
  if (GetParam().prepared.empty()) {
    EXPECT_FALSE(jid) << jid->text();
    return;
  }
  ASSERT_TRUE(jid) << jid.error().what;
  EXPECT_EQ(jid->text(), GetParam().prepared);
  const auto again = Jid::parse(jid->text());
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *jid);
}

const auto kName = [](const testing::TestParamInfo<Row>& row) {
  return std::string(row.param.name);
};

// RFC 7622 section 3.5, tables 1 and 2.
INSTANTIATE_TEST_SUITE_P(
    Rfc7622, JidTable,
    testing::Values(
        Row{"Bare", "juliet@example.com", "juliet@example.com"},
        Row{"Full", "juliet@example.com/foo", "juliet@example.com/foo"},
        Row{"SpaceInResource", "juliet@example.com/foo bar", "juliet@example.com/foo bar"},
        Row{"AtInResource", "juliet@example.com/foo@bar", "juliet@example.com/foo@bar"},
        Row{"EscapedSpace", "foo\\20bar@example.com", "foo\\20bar@example.com"},
        Row{"OtherBare", "fussball@example.com", "fussball@example.com"},
        Row{"SharpS", "fu\u00DFball@example.com", "fu\u00DFball@example.com"},
        Row{"Pi", "\u03C0@example.com", "\u03C0@example.com"},
        Row{"CapitalSigma", "\u03A3@example.com/foo", "\u03C3@example.com/foo"},
        Row{"SmallSigma", "\u03C3@example.com/foo", "\u03C3@example.com/foo"},
        Row{"FinalSigma", "\u03C2@example.com/foo", "\u03C2@example.com/foo"},
        Row{"ChessKingResource", "king@example.com/\u265A", "king@example.com/\u265A"},
        Row{"Domain", "example.com", "example.com"},
        Row{"DomainAndResource", "example.com/foobar", "example.com/foobar"},
        Row{"SlashBeforeAt", "a.example.com/b@example.net", "a.example.com/b@example.net"},
        Row{"Quotes", "\"juliet\"@example.com", ""}, Row{"SpaceInLocal", "foo bar@example.com", ""},
        Row{"LeadingSpace", "juliet@example.com/ foo", ""},
        Row{"EmptyLocalAndResource", "@example.com/", ""},
        Row{"RomanFour", "henry\u2163@example.com", ""},
        Row{"ChessKingLocal", "\u265A@example.com", ""}, Row{"NoDomain", "juliet@", ""},
        Row{"OnlyResource", "/foobar", ""}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Parts, JidTable,
    testing::Values(
        Row{"Empty", "", ""}, Row{"EmptyResource", "juliet@example.com/", ""},
        Row{"CaseOfLocal", "JULIET@example.com", "juliet@example.com"},
        Row{"CaseOfResourceStays", "a@example.com/Balcony", "a@example.com/Balcony"},
        Row{"FullwidthLetters", "\uFF21\uFF42@example.com", "ab@example.com"},
        Row{"FullwidthAtIsNoSeparator", "a\uFF20b@example.com", ""},
        Row{"DecomposedIsComposed", "e\u0301@example.com", "\u00E9@example.com"},
        Row{"DottedCapitalI", "\u0130@example.com", "i\u0307@example.com"},
        Row{"NonAsciiSpaceInResource", "a@example.com/b\u00A0c", "a@example.com/b c"},
        Row{"ControlInResource", "a@example.com/b\x01", ""},
        Row{"Unassigned", "\u0378@example.com", ""}, Row{"SoftHyphen", "a\u00ADb@example.com", ""},
        Row{"NotUtf8", "\xC3\x28@example.com", ""}, Row{"Overlong", "\xC0\xAF@example.com", ""},
        Row{"NulInLocal", std::string("a\0b@example.com", 15), ""},
        Row{"NulInDomain", std::string("a@exa\0mple.com", 14), ""},
        Row{"Hebrew", "\u05D0\u05D1@example.com", "\u05D0\u05D1@example.com"},
        Row{"MixedDirections", "a\u05D0@example.com", ""},
        Row{"HebrewEndingInDigit",
            "\u05D0"
            "1@example.com",
            "\u05D0"
            "1@example.com"},
        Row{"MixedDigits", "\u0627\u0661\u06F1@example.com", ""},
        Row{"MiddleDotBetweenEls", "l\u00B7l@example.com", "l\u00B7l@example.com"},
        Row{"MiddleDotElsewhere", "a\u00B7l@example.com", ""},
        Row{"JoinerInPersian", "\u0645\u06CC\u200C\u0631\u0648\u0645@example.com",
            "\u0645\u06CC\u200C\u0631\u0648\u0645@example.com"},
        Row{"JoinerInLatin",
            "a\u200C"
            "b@example.com",
            ""},
        Row{"KatakanaDot", "\u30A2\u30FB\u30A2@example.com", "\u30A2\u30FB\u30A2@example.com"},
        Row{"KatakanaDotAlone", "a\u30FB@example.com", ""},
        Row{"GreekSign", "\u0375\u03B1@example.com", "\u0375\u03B1@example.com"},
        Row{"GreekSignBeforeLatin", "\u0375a@example.com", ""}),
    kName);

INSTANTIATE_TEST_SUITE_P(
    Domains, JidTable,
    testing::Values(
        Row{"Case", "a@EXAMPLE.com", "a@example.com"},
        Row{"FinalDot", "a@example.com.", "a@example.com"}, Row{"OnlyDot", "a@.", ""},
        Row{"TwoDots", "a@example..com", ""}, Row{"TwoFinalDots", "a@example.com..", ""},
        Row{"Underscore", "a@_x.com", ""}, Row{"LeadingHyphen", "a@-x.com", ""},
        Row{"TrailingHyphen", "a@x-.com", ""}, Row{"ReservedHyphens", "a@ab--c.com", ""},
        Row{"LongestLabel", "a@" + std::string(63, 'x'), "a@" + std::string(63, 'x')},
        Row{"LabelTooLong", "a@" + std::string(64, 'x'), ""},
        Row{"ALabel", "a@xn--mnchen-3ya.de", "a@m\u00FCnchen.de"},
        Row{"ALabelInCapitals", "a@XN--MNCHEN-3YA.de", "a@m\u00FCnchen.de"},
        Row{"ULabelInCapitals", "a@M\u00DCNCHEN.de", "a@m\u00FCnchen.de"},
        Row{"FalseALabel", "a@xn--a", ""}, Row{"SymbolALabel", "a@xn--ls8h.com", ""},
        Row{"SharpSStays", "a@fa\u00DF.de", "a@fa\u00DF.de"}, Row{"Symbol", "a@\u265A.com", ""},
        Row{"IdeographicDot", "a@example\u3002com", "a@example.com"},
        Row{"Ipv4", "a@127.0.0.1", "a@127.0.0.1"}, Row{"Ipv6", "a@[::1]/x", "a@[::1]/x"},
        Row{"Ipv6OtherSpelling", "a@[2001:DB8:0::1]", "a@[2001:db8::1]"},
        Row{"NoIpv6", "a@[example]", ""}, Row{"OpenBracket", "a@[::1", ""}),
    kName);

TEST(Jid, EveryCharacterOfSection331IsRefusedInLocalparts) {
  for (const char c : std::string("\"&'/:<>@")) {
    EXPECT_FALSE(Jid::make(std::string("a") + c, "example.com", {})) << c;
    EXPECT_FALSE(Jid::make(std::string("\u00E9") + c, "example.com", {})) << c;
  }
}

TEST(Jid, PartsHaveAtMost1023BytesAfterPreparation) {
  const std::string longest(1023, 'a');
  EXPECT_TRUE(Jid::make(longest, "x", longest));
  EXPECT_FALSE(Jid::make(longest + "a", "x", {}));
  EXPECT_FALSE(Jid::make({}, "x", longest + "a"));
  EXPECT_FALSE(Jid::make({}, "x", longest + "\u00E9"));
  std::string fullwidth;
  for (int i = 0; i < 1000; ++i) fullwidth += "\uFF41";
  ASSERT_TRUE(Jid::make(fullwidth, "x", {}));
  EXPECT_EQ(Jid::make(fullwidth, "x", {})->local(), std::string(1000, 'a'));
  EXPECT_FALSE(Jid::parse(std::string(4000, 'a')));
}

TEST(Jid, PartsAreFoundInTheText) {
  const Jid jid = *Jid::parse("juliet@example.com/balcony/rail");
  EXPECT_EQ(jid.local(), "juliet");
  EXPECT_EQ(jid.domain(), "example.com");
  EXPECT_EQ(jid.resource(), "balcony/rail");
  EXPECT_EQ(jid.bare_text(), "juliet@example.com");
  EXPECT_EQ(jid.bare(), *Jid::parse("juliet@example.com"));
  EXPECT_TRUE(jid.bare().is_bare());
  EXPECT_TRUE(jid.is_full());
  EXPECT_EQ(jid.home_hash(), jid.bare().home_hash());
  EXPECT_EQ(jid.with_resource("Hall")->text(), "juliet@example.com/Hall");
  EXPECT_FALSE(jid.with_resource(""));
  const Jid domain = *Jid::parse("example.com");
  EXPECT_FALSE(domain.has_local());
  EXPECT_EQ(domain.domain(), "example.com");
  EXPECT_EQ(domain.resource(), "");
}

TEST(Jid, ErrorsNameThePartAndTheRule) {
  EXPECT_EQ(Jid::parse("henry\u2163@example.com").error().what,
            "localpart: U+2163 is no letter, digit or ASCII sign");
  EXPECT_EQ(Jid::parse("a@b_c").error().what,
            "domainpart: label 'b_c' must be 1 to 63 letters, digits and inner hyphens");
}

}  // namespace
}  // namespace impulse::xmpp
