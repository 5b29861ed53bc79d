// Tests of host/config/option_table.h and option_value.cc: rows of a table, their checks and texts.
#include <gtest/gtest.h>

#include <string>

#include "host/config/option_table.h"
#include "host/config/parser.h"
#include "host/config/scope.h"

namespace impulse::config {
namespace {

struct Opts {
  bool flag = true;
  std::uint32_t count = 7;
  std::uint64_t big = 1ULL << 40;
  Seconds wait{300};
  Bytes size{65536};
  Mode mode{0660};
  std::string text = "a \"b\"";
  std::string role = "server";
  StringList list = {"x", "y z"};
  Dictionary dictionary = {{"uri", "file:///x"}};
  std::uint32_t rows = 100;
};

constexpr std::string_view kScopes[] = {"t"};
constexpr std::string_view kRoles[] = {"server", "client"};
constexpr std::string_view kAll[] = {"-1"};
constexpr Option<Opts> kRows[] = {
    {"flag", &Opts::flag, kScopes, "A."},
    {"count", &Opts::count, kScopes, "A.", {1, 65'535}},
    {"big", &Opts::big, kScopes, "A.", {0, UINT64_MAX}},
    {"wait", &Opts::wait, kScopes, "A.", {0, 86'400}},
    {"size", &Opts::size, kScopes, "A.", {1024, 1U << 20}},
    {"mode", &Opts::mode, kScopes, "A."},
    {"text", &Opts::text, kScopes, "A."},
    {"role", &Opts::role, kScopes, "A.", {}, Apply::kLive, kRoles},
    {"list", &Opts::list, kScopes, "A."},
    {"dictionary", &Opts::dictionary, kScopes, "A."},
    {"rows", &Opts::rows, kScopes, "A.", {0, UINT32_MAX}, Apply::kRestart, kAll},
};

class OptionTest : public testing::Test {
 protected:
  const OptionRow& row(std::string_view name) const {
    for (const OptionRow& r : table_.rows) {
      if (r.name == name) return r;
    }
    ADD_FAILURE() << "no row " << name;
    return table_.rows.front();
  }
  /// The value as it stands behind `name = ` in a file.
  static Value value(std::string_view written) {
    const Parsed parsed = parse_text("v = " + std::string(written), "test.conf");
    EXPECT_TRUE(parsed.problems.empty()) << written;
    return parsed.root->settings.at(0).value;
  }
  std::string error(std::string_view name, std::string_view written) const {
    const auto checked = row(name).check(value(written));
    return checked ? "" : checked.error().what;
  }
  Opts stored(std::string_view name, std::string_view written) const {
    Opts opts;
    EXPECT_EQ(error(name, written), "");
    row(name).store(&opts, value(written));
    return opts;
  }
  const OptionTable table_ = make_table("t", kRows);
};

TEST_F(OptionTest, TypesAreThoseOfTheMembers) {
  std::string types;
  for (const OptionRow& r : table_.rows) types += std::string(r.type) + ";";
  EXPECT_EQ(types,
            "boolean;number;number;seconds;bytes;octal mode;string;string;list;dictionary;"
            "number;");
  EXPECT_EQ(row("rows").apply, Apply::kRestart);
}

TEST_F(OptionTest, DefaultsAreThoseOfTheInitialisersInConfigurationSyntax) {
  EXPECT_EQ(row("flag").default_text, "true");
  EXPECT_EQ(row("count").default_text, "7");
  EXPECT_EQ(row("big").default_text, "1099511627776");
  EXPECT_EQ(row("wait").default_text, "300");
  EXPECT_EQ(row("size").default_text, "64K");
  EXPECT_EQ(row("mode").default_text, "0660");
  EXPECT_EQ(row("text").default_text, R"("a \"b\"")");
  EXPECT_EQ(row("list").default_text, R"(( "x" "y z" ))");
  EXPECT_EQ(row("dictionary").default_text, R"([ uri = "file:///x" ])");
}

TEST_F(OptionTest, DefaultTextsAreReadBackAsTheDefaults) {
  const Opts defaults;
  Opts opts{false, 0, 0, Seconds{0}, {}, {}, "", "", {}, {}, 0};
  for (const OptionRow& r : table_.rows) {
    const Value v = value(r.default_text);
    EXPECT_TRUE(r.check(v)) << r.name;
    r.store(&opts, v);
  }
  EXPECT_EQ(opts.flag, defaults.flag);
  EXPECT_EQ(opts.count, defaults.count);
  EXPECT_EQ(opts.big, defaults.big);
  EXPECT_EQ(opts.wait, defaults.wait);
  EXPECT_EQ(opts.size, defaults.size);
  EXPECT_EQ(opts.mode, defaults.mode);
  EXPECT_EQ(opts.text, defaults.text);
  EXPECT_EQ(opts.role, defaults.role);
  EXPECT_EQ(opts.list, defaults.list);
  EXPECT_EQ(opts.dictionary, defaults.dictionary);
  EXPECT_EQ(opts.rows, defaults.rows);
}

TEST_F(OptionTest, BooleansHaveFivePairsOfWords) {
  for (const char* word : {"on", "true", "yes", "enabled", "1", "\"On\"", "TRUE"}) {
    EXPECT_TRUE(stored("flag", word).flag) << word;
  }
  for (const char* word : {"off", "false", "no", "disabled", "0", "\"No\""}) {
    EXPECT_FALSE(stored("flag", word).flag) << word;
  }
  EXPECT_EQ(error("flag", "2"),
            "flag = \"2\": must be true or false (or on/off, yes/no, enabled/disabled, 1/0)");
  EXPECT_NE(error("flag", "( true )"), "");
}

TEST_F(OptionTest, NumbersKeepTheirBounds) {
  EXPECT_EQ(stored("count", "65535").count, 65'535U);
  EXPECT_EQ(stored("count", "\"1\"").count, 1U);
  EXPECT_EQ(error("count", "0"), "count = \"0\": must be 1 to 65535");
  for (const char* wrong : {"65536", "-1", "x", "\"\"", "1.5", "99999999999999999999999"}) {
    EXPECT_NE(error("count", wrong), "") << wrong;
  }
  EXPECT_EQ(error("wait", "-1"), "wait = \"-1\": must be 0 to 86400 (seconds)");
  EXPECT_EQ(stored("wait", "0").wait, Seconds{0});
  EXPECT_EQ(stored("big", "18446744073709551615").big, UINT64_MAX);
  EXPECT_EQ(error("count", "( 1 2 )"), R"(count = ( "1" "2" ): must be one number: 1 to 65535)");
}

TEST_F(OptionTest, AWordOfANumberStandsForItsMost) {
  EXPECT_EQ(stored("rows", "-1").rows, UINT32_MAX);
  EXPECT_EQ(error("rows", "-2"), "rows = \"-2\": must be 0 to 4294967295 or -1");
}

TEST_F(OptionTest, BytesMayHaveAUnit) {
  EXPECT_EQ(stored("size", "64K").size, Bytes{65'536});
  EXPECT_EQ(stored("size", "1m").size, Bytes{1U << 20});
  EXPECT_EQ(stored("size", "4096").size, Bytes{4096});
  EXPECT_EQ(error("size", "2M"),
            "size = \"2M\": must be 1024 to 1048576 (bytes; K, M and G may follow)");
  for (const char* wrong : {"K", "64KB", "-1K", "1023", "18446744073709551615G"}) {
    EXPECT_NE(error("size", wrong), "") << wrong;
  }
}

TEST_F(OptionTest, ModesAreAlwaysOctal) {
  EXPECT_EQ(stored("mode", "0600").mode, Mode{0600});
  EXPECT_EQ(stored("mode", "644").mode, Mode{0644});
  EXPECT_EQ(error("mode", "0680"),
            "mode = \"0680\": must be permission bits in octal, such as 0660");
  EXPECT_NE(error("mode", "10000"), "");
}

TEST_F(OptionTest, WordsAreMatchedInAnyCaseAndListedInTheError) {
  EXPECT_EQ(stored("role", "Client").role, "Client");
  EXPECT_EQ(error("role", "peer"), "role = \"peer\": must be one of: server, client");
}

TEST_F(OptionTest, AScalarIsAListOfOne) {
  EXPECT_EQ(stored("list", "sqlite:x").list, StringList{"sqlite:x"});
  EXPECT_EQ(stored("list", "()").list, StringList{});
  EXPECT_EQ(error("list", "[ a = b ]"), R"(list = [ a = "b" ]: must be a list: ( "one" "two" ))");
  EXPECT_EQ(error("text", "( a )"), R"(text = ( "a" ): must be one word or string)");
}

TEST_F(OptionTest, DictionariesHaveLowerCaseKeysAndTheLastOneWins) {
  const Dictionary expected = {{"uri", "2"}};
  EXPECT_EQ(stored("dictionary", "[ URI = 1 Uri = 2 ]").dictionary, expected);
  EXPECT_EQ(error("dictionary", "file:///x"),
            R"(dictionary = "file:///x": must be a dictionary: [ key = "value" ])");
}

TEST_F(OptionTest, AWrongValueLeavesTheDefault) {
  Opts opts;
  row("wait").store(&opts, value("soon"));
  EXPECT_EQ(opts.wait, Seconds{300});
}

TEST_F(OptionTest, ErrorsShowHostileValuesBounded) {
  EXPECT_LT(error("wait", std::string(100'000, 'x')).size(), 200U);
  EXPECT_EQ(error("wait", "\"\xff\n\""), R"(wait = "\xff\n": must be 0 to 86400 (seconds))");
}

}  // namespace
}  // namespace impulse::config
