// Tests of host/config/parser.cc: what is accepted, what it becomes, what each mistake says.
#include "host/config/parser.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "host/config/generation.h"

namespace impulse::config {
namespace {

/// The tree as `config show` prints it.
std::string printed(Parsed parsed) {
  Generation generation;
  generation.root = std::move(parsed.root);
  return *show(generation, {});
}

std::vector<std::string> lines(const Parsed& parsed) {
  std::vector<std::string> out;
  for (const Problem& problem : parsed.problems) out.push_back(problem.line());
  return out;
}

struct Accepted {
  const char* why;
  const char* text;
  const char* tree;
};

class ParserAccepts : public testing::TestWithParam<Accepted> {};

TEST_P(ParserAccepts, WhatTheManualSays) {
  Parsed parsed = parse_text(GetParam().text, "test.conf");
  EXPECT_EQ(lines(parsed), std::vector<std::string>()) << GetParam().why;
  EXPECT_EQ(printed(std::move(parsed)), GetParam().tree) << GetParam().why;
}

// Reference sections 1.1 to 1.3, checklist rows 1 to 20.
constexpr Accepted kAccepted[] = {
    {"empty file", "", ""},
    {"line comments", "# a\na = 1 # b = 2\n#", "a = 1\n"},
    {"block comments do not nest", "/* a /* b */ a /* x */ = /* y\n */ 1 /**/", "a = 1\n"},
    {"block comment right behind a word", "a = 5/* five */", "a = 5\n"},
    {"keys and types in any case", "XMPP_Listener { Idle_Time = 5 }",
     "xmpp_listener {\n  idle_time = 5\n}\n"},
    {"all on one line, no separators", "a = 1 b = \"2\" c { d = 3 } e = 4",
     "a = 1\nb = 2\ne = 4\nc {\n  d = 3\n}\n"},
    {"newlines anywhere", "a\n=\n1\nlisten\n\"*:5222\"\n{\n}\n", "a = 1\nlisten \"*:5222\" {}\n"},
    {"no final newline, empty body", "xmpp {}", "xmpp {}\n"},
    {"carriage returns and a byte order mark",
     "\xef\xbb\xbf"
     "a = 1\r\nb = 2\r\n",
     "a = 1\nb = 2\n"},
    {"bare names and values", "Binding b1 { } user = ecuser", "user = ecuser\nbinding \"b1\" {}\n"},
    {"dash in a word", "NAS-IP-Address = 192.0.2.1", "nas-ip-address = 192.0.2.1\n"},
    {"bare path as a name", "Listen /tmp/2025 {}", "listen \"/tmp/2025\" {}\n"},
    {"bare path right before the brace", "Listen /tmp/2025{}", "listen \"/tmp/2025\" {}\n"},
    {"bare address as a name", "Peer 2001:db8::/32 {}", "peer \"2001:db8::/32\" {}\n"},
    {"bare values with / and :", "uri = digest:///opt/x mainlog = /var/log/x",
     "uri = \"digest:///opt/x\"\nmainlog = \"/var/log/x\"\n"},
    {"bare path before a closing brace", "a { f = /var/log/x}", "a {\n  f = \"/var/log/x\"\n}\n"},
    {"bare regex with brackets", "Domain /yahoo\\.co(m|\\.uk)[a-z]$/ { }",
     "domain \"/yahoo\\.co(m|\\.uk)[a-z]$/\" {}\n"},
    {"quoted #", "Domain \"#xmpp#im.example\" {}", "domain \"#xmpp#im.example\" {}\n"},
    {"escaped quote", R"(format = "a\"b")", "format = \"a\\\"b\"\n"},
    {"escaped backslash", R"(a = "x\\y")", "a = \"x\\y\"\n"},
    {"unknown escapes are kept", R"(Domain "/a\.b\d/" {})", "domain \"/a\\.b\\d/\" {}\n"},
    {"backslash at the end", R"(a = "x\\")", "a = \"x\\\\\"\n"},
    {"single quotes", R"(a = 'say "hi" \' \n')", "a = \"say \\\"hi\\\" ' \\n\"\n"},
    {"string over lines", "a = \"x\ny\"\nb = 1", "a = \"x\ny\"\nb = 1\n"},
    {"empty string", "a = \"\"", "a = \"\"\n"},
    {"array", "a = ( x \"y z\" )", "a = ( \"x\" \"y z\" )\n"},
    {"array with commas", "a = (x,\"y\", z ,)", "a = ( \"x\" \"y\" \"z\" )\n"},
    {"array of networks", "Relay_Hosts = ( 127.0.0.0/8 10.10.10.0/24 )",
     "relay_hosts = ( \"127.0.0.0/8\" \"10.10.10.0/24\" )\n"},
    {"empty array and dictionary", "a = () b = []", "a = ()\nb = []\n"},
    {"comma outside of an array", "a = x,y", "a = \"x,y\"\n"},
    {"dictionary with comments and any case",
     "a = [ URI = \"file:///x\" # one\n \"Realm\" = r /* two */ ]",
     "a = [ uri = \"file:///x\" realm = \"r\" ]\n"},
    {"dictionary without =", "AuthPlainParameters [ uri = file:///x]",
     "authplainparameters = [ uri = \"file:///x\" ]\n"},
    {"= before a body", "Esmtp_Listener = { a = 1 }", "esmtp_listener {\n  a = 1\n}\n"},
    {"= between name and body", "listen \"x\" = { }", "listen \"x\" {}\n"},
    {"the last setting wins, keeping its place", "a = 1 b = 2 A = 3", "a = 3\nb = 2\n"},
    {"arrays are replaced as a whole", "a = ( 1 2 ) a = ( 3 )", "a = ( \"3\" )\n"},
    {"stanzas are merged", "s \"n\" { a = 1 b = 1 } x {} s n { b = 2 t {} }",
     "s \"n\" {\n  a = 1\n  b = 2\n  t {}\n}\nx {}\n"},
    {"names keep their case", "binding A {} binding a {}", "binding \"A\" {}\nbinding \"a\" {}\n"},
    {"a stanza named like its type has no name of its own",
     "scriptlet \"scriptlet\" { a = 1 } scriptlet { b = 2 }",
     "scriptlet \"scriptlet\" {\n  a = 1\n  b = 2\n}\n"},
    {"two spellings of the original", "PidFile = x Event_Loop \"e\" {} EventLoop \"e\" { a = 1 }",
     "pid_file = x\neventloop \"e\" {\n  a = 1\n}\n"},
    {"event_loop stays an option elsewhere", "listen x { event_loop = y pidfile = z }",
     "listen \"x\" {\n  event_loop = y\n  pidfile = z\n}\n"},
};
INSTANTIATE_TEST_SUITE_P(Language, ParserAccepts, testing::ValuesIn(kAccepted));

/// What is printed is read back as the same.
TEST_P(ParserAccepts, WhatItPrints) {
  const std::string once = printed(parse_text(GetParam().text, "test.conf"));
  EXPECT_EQ(printed(parse_text(once, "test.conf")), once);
}

struct Refused {
  const char* text;
  std::vector<std::string> problems;
  const char* tree;  ///< what could be read all the same
};

class ParserRefuses : public testing::TestWithParam<Refused> {};

TEST_P(ParserRefuses, WithPlaceFindingAndRemedyAndReadsOn) {
  Parsed parsed = parse_text(GetParam().text, "t.conf");
  EXPECT_EQ(lines(parsed), GetParam().problems) << GetParam().text;
  EXPECT_EQ(printed(std::move(parsed)), GetParam().tree) << GetParam().text;
}

const Refused kRefused[] = {
    {"a 5\nb = 1",
     {"t.conf:1: a 5: write a = 5 for an option, or a 5 { ... } for a stanza"},
     "b = 1\n"},
    {"a\nb = 1",
     {"t.conf:1: a: stands alone: write a = VALUE for an option, or a { ... } for a stanza"},
     "b = 1\n"},
    {"s { a }\nb = 1",
     {"t.conf:1: a: stands alone: write a = VALUE for an option, or a { ... } for a stanza"},
     "b = 1\ns {}\n"},
    {"a =\nb = 1",
     {"t.conf:1: a = : has no value: write a = VALUE, or a = \"\" for an empty one"},
     "b = 1\n"},
    {"s {\n a =\n}\nb = 1",
     {"t.conf:2: a = : has no value: write a = VALUE, or a = \"\" for an empty one"},
     "b = 1\ns {}\n"},
    {"a = 1 2 3\nb = 1",
     {"t.conf:1: 2: here must be the name of an option or of a stanza (letters, digits, _ and "
      "-); a value of several words stands in quotes"},
     "a = 1\nb = 1\n"},
    {"a.b = 1\nb = 1",
     {"t.conf:1: a.b: here must be the name of an option or of a stanza (letters, digits, _ and "
      "-); a value of several words stands in quotes"},
     "b = 1\n"},
    {"= 5\nb = 1", {"t.conf:1: =: here must be the name of an option or of a stanza"}, "b = 1\n"},
    {"s {\na = 1\n", {"t.conf:1: s { is not closed: write }"}, "s {\n  a = 1\n}\n"},
    {"a = 1\n}\nb = 1",
     {"t.conf:2: } closes nothing: remove it, or write the { that is missing above"},
     "a = 1\nb = 1\n"},
    {"a = \"x\nb = 1\nc 2",
     {"t.conf:1: the quote \" is not closed: write \" behind the text",
      "t.conf:3: c 2: write c = 2 for an option, or c 2 { ... } for a stanza"},
     "b = 1\n"},
    {"a = \"x\nb = \"y\"\nc = 1",
     {"t.conf:1: the quote \" is not closed: write \" behind the text"},
     "b = y\nc = 1\n"},
    {"a = 1 /* b\nc = 2",
     {"t.conf:1: the comment /* is not closed: write */ behind it"},
     "a = 1\n"},
    {"a = ( x \"y\"\nb = 1",
     {"t.conf:1: the list ( is not closed before =: write ) behind its last value"},
     "b = 1\n"},
    {"s { a = ( x\n}\nb = 1",
     {"t.conf:1: the list ( is not closed before }: write ) behind its last value"},
     "b = 1\ns {}\n"},
    {"SMTP_Extensions ( x )\nb = 1",
     {"t.conf:1: SMTP_Extensions (: write SMTP_Extensions = ("},
     "smtp_extensions = ( \"x\" )\nb = 1\n"},
    {"a = [ uri \"x\" ]\nb = 1",
     {"t.conf:1: uri: an entry of a dictionary must be uri = VALUE, where VALUE is a word or a "
      "string"},
     "b = 1\n"},
    {"a = [ uri = ( x ) ]\nb = 1",
     {"t.conf:1: uri: an entry of a dictionary must be uri = VALUE, where VALUE is a word or a "
      "string"},
     "b = 1\n"},
    {"a = [ x = 1, y = 2 ]\nb = 1",
     {"t.conf:1: 1,: a dictionary has no commas between its entries; write the value in quotes if "
      "the comma belongs to it"},
     "a = [ x = \"1,\" y = \"2\" ]\nb = 1\n"},
    {"s { a = [ x = 1 }\nb = 1",
     {"t.conf:1: the dictionary [ is not closed before }: write ] behind its last value"},
     "b = 1\ns {}\n"},
    {"a = [ x = 1\nxmpp {}\nb = 1",
     {"t.conf:1: the dictionary [ is not closed: write ] behind its last value"},
     "b = 1\nxmpp {}\n"},
    {"a = [ ( ]\nb = 1",
     {"t.conf:1: (: here must be KEY = VALUE, or the ] of the dictionary"},
     "b = 1\n"},
    // A stanza in the middle of a mistake is read for its own mistakes, and nothing of it is kept.
    {"a b c {\n d\n}\nb = 1",
     {"t.conf:1: a b: write a = b for an option, or a b { ... } for a stanza",
      "t.conf:2: d: stands alone: write d = VALUE for an option, or d { ... } for a stanza"},
     "b = 1\n"},
    {"include\nb = 1",
     {"t.conf:1: include: must be followed by a path, as in include \"conf.d\""},
     "b = 1\n"},
    {"a = 1\n\x01\x02garbage", {"t.conf:2: not a text file: has control characters here"}, ""},
};
INSTANTIATE_TEST_SUITE_P(Mistakes, ParserRefuses, testing::ValuesIn(kRefused));

TEST(Parser, RemembersWhereEachThingStands) {
  const Parsed parsed = parse_text("\n# c\nxmpp {}\ns \"n\" {\n  a = \"x\n\"\n  b = 1\n}\n", "f");
  const Node* stanza = parsed.root->child("s", "n");
  ASSERT_NE(stanza, nullptr);
  EXPECT_EQ(parsed.root->child("xmpp")->place.text(), "f:3");
  EXPECT_EQ(stanza->place.text(), "f:4");
  EXPECT_EQ(stanza->find("a")->place.line, 5);
  EXPECT_EQ(stanza->find("b")->place.line, 7);
  EXPECT_EQ(stanza->parent, parsed.root.get());
  EXPECT_EQ(stanza->title(), "s \"n\"");
  EXPECT_EQ(parsed.root->title(), "global scope");
}

TEST(Parser, RefusesStanzasNestedTooDeepAndReadsOn) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "s {";
    return text + std::string(depth, '}') + "\nb 2";
  };
  const Parsed fits = parse_text(nested(64), "f");
  ASSERT_EQ(fits.problems.size(), 1U);
  EXPECT_EQ(fits.problems[0].place.line, 2);
  for (const std::size_t depth : {65U, 100'000U}) {
    const Parsed parsed = parse_text(nested(depth), "f");
    ASSERT_EQ(parsed.problems.size(), 2U);
    EXPECT_EQ(parsed.problems[0].line(), "f:1: stanzas are nested more than 64 deep");
    EXPECT_EQ(parsed.problems[1].place.line, 2);
  }
}

TEST(Parser, TellsABoundedNumberOfMistakes) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "? ";
  for (int i = 0; i < 100'000; ++i) text += "?\n";
  const Parsed parsed = parse_text(text, "f");
  ASSERT_EQ(parsed.problems.size(), 101U);
  EXPECT_EQ(parsed.problems.back().text, "too many mistakes: the rest is not shown");
}

TEST(Parser, TakesTimeInProportionToTheText) {
  // Each of these would take minutes if something were searched once per word.
  std::string settings, strings, stanzas;
  for (int i = 0; i < 50'000; ++i) {
    settings += "k" + std::to_string(i) + " = 1\n";
    strings += "\"a\" ";
    stanzas += "s \"" + std::to_string(i) + "\" {} ";
  }
  EXPECT_EQ(parse_text(settings, "f").root->settings.size(), 50'000U);
  EXPECT_EQ(parse_text("a = (" + strings + ")", "f").root->settings[0].value.items.size(), 50'000U);
  EXPECT_EQ(parse_text(stanzas, "f").root->children.size(), 50'000U);
}

/// A folder of its own for each test.
class Include : public testing::Test {
 protected:
  Include() {
    std::string name = testing::TempDir() + "impulse_parser_XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~Include() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name)) << text;
  }
  Parsed parse(const std::vector<std::string>& search_path = {}) const {
    return parse_file(path("main.conf"), search_path);
  }
  /// Problems, with the folder's name taken out.
  std::vector<std::string> problems(const Parsed& parsed) const {
    std::vector<std::string> out = lines(parsed);
    for (std::string& line : out) {
      for (std::size_t at; (at = line.find(folder_)) != std::string::npos;) {
        line.replace(at, folder_.size(), "DIR");
      }
    }
    return out;
  }
  std::string folder_;
};

using Lines = std::vector<std::string>;

TEST_F(Include, IsReadAsIfWrittenThereInAnyScopeAndCase) {
  write("main.conf",
        "a = 1\ns \"n\" { INCLUDE \"sub/in.conf\" }\nReadonly_Include late.conf b = 2");
  write("sub/in.conf", "x = 1\ninclude \"deeper.conf\"");
  write("sub/deeper.conf", "y = 2");  // relative to the file that includes it
  write("deeper.conf", "y = 3");
  write("late.conf", "a = 9 s \"n\" { z = 3 }");
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines());
  EXPECT_EQ(parsed.files, (Lines{path("main.conf"), path("sub/in.conf"), path("sub/deeper.conf"),
                                 path("late.conf")}));
  EXPECT_EQ(parsed.root->child("s", "n")->find("y")->place.text(), path("sub/deeper.conf") + ":1");
  EXPECT_EQ(printed(std::move(parsed)), "a = 9\nb = 2\ns \"n\" {\n  x = 1\n  y = 2\n  z = 3\n}\n");
}

TEST_F(Include, OfAFolderReadsItsVisibleFilesInLexicalOrder) {
  write("main.conf", "include \"conf.d\"");
  write("conf.d/20.conf", "a = 20 b = 20");
  write("conf.d/10.conf", "a = 10 c = 10");
  write("conf.d/.30.conf", "a = 30");
  write("conf.d/sub/40.conf", "a = 40");
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines());
  EXPECT_EQ(printed(std::move(parsed)), "a = 20\nc = 10\nb = 20\n");
}

TEST_F(Include, LooksBesideTheFileFirstAndThenAlongTheSearchPath) {
  write("main.conf", "include \"x.conf\" include \"y.conf\"");
  write("x.conf", "x = near");
  write("one/x.conf", "x = far");
  write("one/y.conf", "y = one");
  write("two/y.conf", "y = two");
  Parsed parsed = parse({path("none"), path("one"), path("two")});
  EXPECT_EQ(problems(parsed), Lines());
  EXPECT_EQ(printed(std::move(parsed)), "x = near\ny = one\n");
}

TEST_F(Include, OfNothingSaysWhereItLooked) {
  write("main.conf", "a = 1\ninclude \"no.conf\"\nb 1");
  const Parsed parsed = parse({path("one")});
  EXPECT_EQ(problems(parsed),
            (Lines{"DIR/main.conf:2: include \"no.conf\": no such file or folder; looked for "
                   "DIR/no.conf, DIR/one/no.conf",
                   "DIR/main.conf:3: b 1: write b = 1 for an option, or b 1 { ... } for a "
                   "stanza"}));
}

TEST_F(Include, InACircleIsAMistakeAlsoThroughOtherNames) {
  write("main.conf", "include \"a.conf\" x = 1");
  write("a.conf", "include \"b.conf\"");
  write("b.conf", "y = 1\ninclude \"link.conf\"");
  ASSERT_EQ(::symlink("a.conf", path("link.conf").c_str()), 0);
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines{"DIR/b.conf:2: include \"link.conf\": DIR/link.conf includes "
                                    "itself, perhaps through others"});
  EXPECT_EQ(printed(std::move(parsed)), "y = 1\nx = 1\n");
}

TEST_F(Include, TwiceOfOneFileIsAllowed) {
  write("main.conf", "s a { include \"x.conf\" } s b { include \"x.conf\" }");
  write("x.conf", "x = 1");
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines());
  EXPECT_EQ(printed(std::move(parsed)), "s \"a\" {\n  x = 1\n}\ns \"b\" {\n  x = 1\n}\n");
}

TEST_F(Include, TooDeepIsAMistake) {
  write("main.conf", "include \"0.conf\"");
  for (int i = 0; i < 20; ++i) {
    const std::string next = std::to_string(i + 1) + ".conf";
    write(std::to_string(i) + ".conf", "k" + std::to_string(i) + " = 1\ninclude \"" + next + "\"");
  }
  const Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines{"DIR/14.conf:2: include \"15.conf\": files include each other "
                                    "more than 16 deep"});
  EXPECT_EQ(parsed.root->settings.size(), 15U);
}

TEST_F(Include, ThatMultipliesIsStoppedInTime) {
  // 16 files, each including the next 100 times: 100^15 files if nobody counted.
  for (int i = 0; i < 16; ++i) {
    std::string text;
    for (int j = 0; j < 100; ++j) text += "include \"" + std::to_string(i + 1) + ".conf\"\n";
    write(i == 0 ? "main.conf" : std::to_string(i) + ".conf", text);
  }
  const Parsed parsed = parse();
  EXPECT_LE(parsed.files.size(), 10'000U);
  EXPECT_EQ(parsed.problems.size(), 101U);
}

TEST_F(Include, StanzasCannotCrossTheEndOfAFile) {
  write("main.conf", "include \"a.conf\" include \"b.conf\" x = 1");
  write("a.conf", "s {\n");
  write("b.conf", "}\n");
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed),
            (Lines{"DIR/a.conf:1: s { is not closed: write }",
                   "DIR/b.conf:1: } closes nothing: remove it, or write the { that is missing "
                   "above"}));
  EXPECT_EQ(printed(std::move(parsed)), "x = 1\ns {}\n");
}

TEST_F(Include, OfWhatIsNoTextFileIsAMistakeAndDoesNotBlock) {
  write("main.conf", "include \"pipe\"\ninclude \"huge\"\ninclude \"program\"\nx = 1");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  write("huge", "");
  std::filesystem::resize_file(path("huge"), 16 * 1024 * 1024 + 1);
  write("program", std::string("\x7f"
                               "ELF\0\0\1",
                               7));
  Parsed parsed = parse();
  EXPECT_EQ(problems(parsed),
            (Lines{"DIR/main.conf:1: include \"pipe\": DIR/pipe: must be a file of text",
                   "DIR/main.conf:2: include \"huge\": DIR/huge: larger than 16 MiB: no "
                   "configuration is",
                   "DIR/program:1: not a text file: has control characters here"}));
  EXPECT_EQ(printed(std::move(parsed)), "x = 1\n");
}

TEST_F(Include, AMissingMainFileIsAMistake) {
  const Parsed parsed = parse();
  EXPECT_EQ(problems(parsed), Lines{"DIR/main.conf: No such file or directory"});
  ASSERT_NE(parsed.root, nullptr);
  EXPECT_TRUE(parsed.files.empty());
}

TEST_F(Include, FromTextIsRelativeToTheBaseFolder) {
  write("x.conf", "x = 1");
  EXPECT_EQ(printed(parse_text("include \"x.conf\"", "text", folder_)), "x = 1\n");
}

}  // namespace
}  // namespace impulse::config
