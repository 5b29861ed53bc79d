// Tests of host/config/schema.cc, check.cc and options_doc.cc: the mistakes a tree may have.
#include "host/config/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "t/unit/host/config_fixture.h"

namespace impulse::config {
namespace {

using Lines = std::vector<std::string>;

Lines check(std::string_view text) {
  const Generation generation = generation_of(text);
  Lines out;
  for (const Problem& problem : generation.schema->check(*generation.root)) {
    out.push_back(problem.line());
  }
  return out;
}

TEST(Schema, AcceptsWhatItsTablesDeclare) {
  EXPECT_EQ(check(R"(
    Pid_File = /run/x.pid  Nagle = on  Debug_Level = warning
    Security { user = im group = im }
    Control_Listener { Listen "/run/x.sock" { File_Mode = 0666 } }
    EventLoop { Concurrency = 4 }  EventLoop "b" {}
    ThreadPool "IO" { Concurrency = 8 Stack_Size = 256K Backlog = 100 }
    Datasource "d" { uri = "sqlite:/x" max_rows = -1 cache_life = 60 no_cache = yes }
    Debug_Flags { WARNING = (SSL) ERROR = (ALL) anything = [ a = b ] }
    Alerting {}  ds_core {}
    im {}
    im_listener {
      Idle_Time = 0  Backlog = 65535
      Listen "*:5222" { Peer "10.0.0.0/8" { Idle_Time = 1 } }
      Peer ::1 {}
    }
    Domain "#im#a.example" { Role = "Server" }
    Domain "/^#im#.*\.example$/" { Role = client }
    im_logger {}  im_logger "b" { script "s" {} }
  )"),
            Lines());
}

struct Mistake {
  const char* text;
  Lines problems;
};
class SchemaFinds : public testing::TestWithParam<Mistake> {};

TEST_P(SchemaFinds, MistakesAndSaysWhatWouldBeRight) {
  EXPECT_EQ(check(GetParam().text), GetParam().problems) << GetParam().text;
}

const Mistake kMistakes[] = {
    {"im {} im_listener { Idle_Time = -1 }",
     {"t.conf:1: idle_time = \"-1\": must be 0 to 86400 (seconds)"}},
    {"domain \"x\" { role = peer }", {"t.conf:1: role = \"peer\": must be one of: server, client"}},
    {"im {} im_listener { IdleTime = 5 }",
     {"t.conf:1: idletime = \"5\": there is no such option in im_listener; did you mean "
      "idle_time?"}},
    {"im {} im_listener { something_else_entirely = 5 }",
     {"t.conf:1: something_else_entirely = \"5\": there is no such option in im_listener"}},
    {"idle_time = 5",
     {"t.conf:1: idle_time = \"5\": stands in the global scope, may stand in: im_listener, listen, "
      "peer"}},
    {"im {} im_listener { pid_file = x }",
     {"t.conf:1: pid_file = \"x\": stands in im_listener, may stand in: the global scope"}},
    {"im {} im_listener { peer 10.0.0.0/8 { backlog = 5 } }",
     {"t.conf:1: backlog = \"5\": stands in peer, may stand in: threadpool, im_listener, listen"}},
    {"im = 5", {"t.conf:1: im = \"5\": im is a stanza: write im { ... }"}},
    {"nagle {}", {"t.conf:1: nagle {: nagle is an option: write nagle = VALUE"}},
    {"im_listner { a = 1 }",
     {"t.conf:1: im_listner {: there is no such stanza, and no module of this name; did you mean "
      "im_listener?"}},
    {"domain x { listen y {} }",
     {"t.conf:1: listen \"y\": stands in domain, may stand in: control_listener, im_listener"}},
    {"im \"a\" {}", {"t.conf:1: im \"a\": takes no name: write im { ... }"}},
    {"datasource { uri = x }",
     {"t.conf:1: datasource: needs a name: write datasource \"NAME\" { ... }"}},
    {"im {} im_listener { peer \"10.0.0.0/33\" {} }",
     {"t.conf:1: peer \"10.0.0.0/33\": must be an IP address or network, such as \"192.0.2.7\", "
      "\"10.0.0.0/8\" or \"2001:db8::/32\""}},
    {"domain \"/a(b/\" {}",
     {"t.conf:1: domain \"/a(b/\": must be a regular expression between the slashes: missing "
      "closing parenthesis (at character 4 of the expression)"}},
    {"im_listener {}\nim {}",
     {"t.conf:1: im_listener stands before im {} (t.conf:2): write im {} above it"}},
    {"im_listener {}", {"t.conf:1: im_listener needs im {}: write im {} above it"}},
    {"alerting { x = 1 }", {"t.conf:1: x = \"1\": there is no such option in alerting"}},
    // What is misplaced is still looked into; what is unknown is not.
    {"listen x { idle_time = soon }",
     {"t.conf:1: listen \"x\": stands in the global scope, may stand in: control_listener, "
      "im_listener",
      "t.conf:1: idle_time = \"soon\": must be 0 to 86400 (seconds)"}},
};
INSTANTIATE_TEST_SUITE_P(All, SchemaFinds, testing::ValuesIn(kMistakes));

TEST(Schema, TellsAllMistakesInTheOrderOfTheFile) {
  EXPECT_EQ(check("im {}\n"
                  "im_listener {\n"
                  "  listen \"x\" { backlog = 0 }\n"
                  "  backlog = x\n"
                  "}\n"
                  "nagle = maybe\n"
                  "im_listener {\n"
                  "  idle_time = x\n"
                  "}\n"),
            (Lines{"t.conf:3: backlog = \"0\": must be 1 to 65535",
                   "t.conf:4: backlog = \"x\": must be 1 to 65535",
                   "t.conf:6: nagle = \"maybe\": must be true or false (or on/off, yes/no, "
                   "enabled/disabled, 1/0)",
                   "t.conf:8: idle_time = \"x\": must be 0 to 86400 (seconds)"}));
}

TEST(Schema, UnitesWhatSeveralPartsDeclare) {
  const auto schema = test_schema();
  const StanzaType* listen = schema->find_stanza("listen");
  ASSERT_NE(listen, nullptr);
  EXPECT_EQ(listen->parents, (std::vector<std::string_view>{"control_listener", "im_listener"}));
  EXPECT_FALSE(listen->help.empty());
  EXPECT_EQ(schema->find_stanza("Listen"), nullptr);
}

TEST(Schema, TheTableOfTheClosestScopesRulesASharedStanza) {
  // Both listeners have listen stanzas with a file_mode; only one of them has a backlog
  // of 1..65535.
  const auto schema = test_schema();
  const std::string_view console[] = {"control_listener", "listen"};
  const std::string_view im[] = {"im_listener", "listen"};
  const auto first = schema->find_option("file_mode", console);
  const auto second = schema->find_option("file_mode", im);
  ASSERT_EQ(first.size(), 1U);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(first[0]->default_text, "0660");
  EXPECT_EQ(second[0]->default_text, "0600");
  EXPECT_TRUE(schema->find_option("file_mode", std::span(im).first(0)).empty());
}

TEST(Schema, TheSameNameMayMeanAnotherOptionInAnotherScope) {
  EXPECT_EQ(check("debug_level = CRITICAL im_logger { debug_level = anything }"), Lines());
  EXPECT_EQ(check("debug_level = anything"),
            Lines{"t.conf:1: debug_level = \"anything\": must be one of: DEBUG, INFO, NOTICE, "
                  "WARNING, ERROR, CRITICAL"});
}

TEST(Schema, AProblemWithoutAPlaceIsItsText) {
  EXPECT_EQ((Problem{{}, "text"}).line(), "text");
  EXPECT_EQ((Problem{{"f", 0}, "text"}).line(), "f: text");
}

TEST(OptionsDocument, MarkdownHasEachOptionOnceAndNamesItWhereElseItMayStand) {
  const std::string text = options_markdown(*test_schema());
  EXPECT_NE(text.find("## im_listener\n\n    im_listener { ... }\n\nSockets.\n"
                      "Stands in: global.\nMust stand behind im.\n\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| `idle_time` | seconds | `300` | im_listener, listen, peer | 0 to 86400 | "
                      "Seconds of silence; 0 = forever. |\n"),
            std::string::npos);
  EXPECT_NE(text.find("| 1 to 65535 | Waiting. Takes effect after a restart. |"),
            std::string::npos);
  EXPECT_NE(text.find("one of: server, client"), std::string::npos);
  EXPECT_NE(text.find("A secret \\| with a bar."), std::string::npos);
  EXPECT_EQ(text.find("`idle_time`"), text.rfind("`idle_time`"));
  const std::size_t peer = text.find("## peer\n");
  ASSERT_NE(peer, std::string::npos);
  EXPECT_NE(text.find("Also valid here: idle_time, nagle.", peer), std::string::npos);
  EXPECT_NE(text.find("| 0 to 86400"), std::string::npos);
}

TEST(OptionsDocument, RoffEscapesWhatRoffWouldObey) {
  const std::string text = options_roff(*test_schema());
  EXPECT_NE(text.find(".TP\n\\fBmax_rows\\fR (number, default 100, or \\-1)\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find(".SS \"im_listener\"\n"), std::string::npos);
  for (std::size_t at = 0; (at = text.find("\n.", at)) != std::string::npos; ++at) {
    const std::string request = text.substr(at + 1, 3);
    EXPECT_TRUE(request == ".TP" || request == ".SS" || request == ".PP" || request == ".EX" ||
                request == ".EE")
        << request;
  }
}

/// The host's own tables: what every table must be.
TEST(CoreSchema, TablesAreSound) {
  Schema schema;
  schema.add(core_schema());
  for (const auto& stanza : schema.stanzas()) {
    EXPECT_TRUE(stanza->help.ends_with(".")) << stanza->type;
  }
  for (const OptionTable& table : schema.parts()[0].tables) {
    std::vector<std::string_view> names;
    for (const OptionRow& row : table.rows) {
      EXPECT_TRUE(row.help.ends_with(".")) << row.name;
      EXPECT_EQ(std::count(names.begin(), names.end(), row.name), 0) << row.name;
      names.push_back(row.name);
      const Parsed parsed = parse_text("v = " + row.default_text, "default");
      ASSERT_TRUE(parsed.problems.empty()) << row.name;
      EXPECT_TRUE(row.check(parsed.root->settings[0].value)) << row.name << row.default_text;
    }
  }
}

TEST(CoreSchema, HasTheDefaultsOfTheOriginal) {  // reference 7.1, 12.1
  const DatasourceOptions source;
  EXPECT_EQ(source.cache_size, 1000U);
  EXPECT_EQ(source.cache_life, Seconds{3600});
  EXPECT_EQ(source.max_rows, 100U);
  EXPECT_EQ(source.pool, "IO");
  EXPECT_TRUE(source.serialized);
  EXPECT_EQ(source.assume_charset, "iso-8859-1");
  EXPECT_EQ(ControlListenOptions().file_mode, Mode{0660});
}

}  // namespace
}  // namespace impulse::config
