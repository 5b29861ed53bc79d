// Tests of host/base/text.cc.
#include "host/base/text.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace impulse::text {
namespace {

TEST(Text, CaseIsThatOfAsciiOnly) {
  EXPECT_EQ(lower("XMPP_Listener-\xc3\x84"), "xmpp_listener-\xc3\x84");
  EXPECT_TRUE(equal_any_case("Idle_Time", "idle_TIME"));
  EXPECT_FALSE(equal_any_case("idle_time", "idle_tim"));
  EXPECT_FALSE(equal_any_case("\xc3\x84", "\xc3\xa4"));
  EXPECT_FALSE(equal_any_case("[", "{"));  // differ in the same bit as letters do
}

TEST(Text, TrimTakesWhiteSpaceFromBothEndsOnly) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Text, SplitKeepsEmptyPartsAndSplitWordsDoesNot) {
  using Parts = std::vector<std::string_view>;
  EXPECT_EQ(split("a,,b", ','), (Parts{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (Parts{""}));
  EXPECT_EQ(split("a,", ','), (Parts{"a", ""}));
  EXPECT_EQ(split_words("  a\t b\n"), (Parts{"a", "b"}));
  EXPECT_EQ(split_words(" "), Parts{});
}

TEST(Text, JoinKeepsEmptyParts) {
  const std::string_view parts[] = {"", "a", ""};
  EXPECT_EQ(join(parts, ", "), ", a, ");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, NumbersAreTakenWholeOrNotAtAll) {
  EXPECT_EQ(parse_number<int>("-12"), -12);
  EXPECT_EQ(parse_number<std::uint32_t>("4294967295"), 4294967295U);
  EXPECT_EQ(parse_number<std::uint32_t>("0660", 8), 0660U);
  for (const char* wrong : {"", " 1", "1 ", "+1", "-1", "4294967296", "0x10", "1e3", "one"}) {
    EXPECT_EQ(parse_number<std::uint32_t>(wrong), std::nullopt) << wrong;
  }
}

TEST(Text, EditDistanceCountsInsertionsDeletionsReplacementsAndSwaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", ""), 3U);
  EXPECT_EQ(edit_distance("idle_time", "Idle_Time"), 0U);
  EXPECT_EQ(edit_distance("idletime", "idle_time"), 1U);
  EXPECT_EQ(edit_distance("idle_tmie", "idle_time"), 1U);
  EXPECT_EQ(edit_distance("listen", "silent"), 4U);
}

TEST(Text, NearestGivesNoFarFetchedHint) {
  const std::string_view words[] = {"idle_time", "listen_backlog", "enable"};
  EXPECT_EQ(nearest("IdleTime", words), "idle_time");
  EXPECT_EQ(nearest("enabled", words), "enable");
  EXPECT_EQ(nearest("uri", words), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), words), "");
  EXPECT_EQ(did_you_mean("enabel", words), "; did you mean enable?");
  EXPECT_EQ(did_you_mean("uri", words), "");
}

TEST(Text, EscapeLeavesNothingThatATerminalObeysOrALogMisreads) {
  EXPECT_EQ(escape("a\"b\\c\n\r\t"), R"(a\"b\\c\n\r\t)");
  EXPECT_EQ(escape(std::string_view("\x1b[31m\0\x7f", 7)), R"(\x1b[31m\x00\x7f)");
  EXPECT_EQ(escape("gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa6"), "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa6");
}

TEST(Text, EscapeShowsWhatIsNotUtf8AsBytes) {  // RFC 3629 section 3
  EXPECT_EQ(escape("\xff"), R"(\xff)");
  EXPECT_EQ(escape("\xc3"), R"(\xc3)");                  // cut off
  EXPECT_EQ(escape("\xc0\xaf"), R"(\xc0\xaf)");          // overlong "/"
  EXPECT_EQ(escape("\xe0\x80\xaf"), R"(\xe0\x80\xaf)");  // overlong "/"
  EXPECT_EQ(escape("\xed\xa0\x80"), R"(\xed\xa0\x80)");  // surrogate
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)");
  EXPECT_EQ(escape("\xc2\x9b"), R"(\xc2\x9b)");  // the one-character form of ESC [
}

TEST(Text, QuoteIsBounded) {
  EXPECT_EQ(quote("a b"), "\"a b\"");
  EXPECT_LT(quote(std::string(1'000'000, '\x01')).size(), 100U);
  EXPECT_TRUE(quote(std::string(81, 'x')).ends_with("...\""));
}

}  // namespace
}  // namespace impulse::text
