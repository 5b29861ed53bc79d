// Tests of host/config/generation.cc: config show, config eval.
#include "host/config/generation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "t/unit/host/config_fixture.h"

namespace impulse::config {
namespace {

using Words = std::vector<std::string>;

class ConfigCommand : public testing::Test {
 protected:
  const Generation generation_ = generation_of(R"(
    Nagle = Enabled
    im {}
    im_listener {
      idle_time = 60
      listen "*:5222" { idle_time = 50 peer "10.1.0.0/16" { idle_time = 40 } }
      peer "10.0.0.0/8" { idle_time = 30 }
    }
    control_listener { listen "/run/x" {} }
    domain "/example$/" { role = client secret = "a \"b\" \d" }
    domain "a.example" { role = server }
    im_logger { logfile = "one" script "s" {} }
    im_logger "b" { logfile = "12" }
    datasource "d" { uri = ( "sqlite:x" "sqlite:y" ) }
  )");

  std::string eval_text(const Words& words) const {
    auto answer = eval(generation_, words);
    return answer ? *answer : "error: " + answer.error().what;
  }
  std::string show_text(const Words& words) const {
    auto answer = show(generation_, words);
    return answer ? *answer : "error: " + answer.error().what;
  }
};

TEST_F(ConfigCommand, EvalFallsBackAsTheServerDoes) {
  EXPECT_EQ(eval_text({"IM_Listener", "Idle_Time"}), "idle_time = 60");
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:5222", "idle_time"}), "idle_time = 50");
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:5222", "peer", "10.1.2.3", "idle_time"}),
            "idle_time = 40");
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:5222", "peer", "10.2.2.3", "idle_time"}),
            "idle_time = 30");
  EXPECT_EQ(eval_text({"im_listener", "peer", "10.2.2.3", "idle_time"}), "idle_time = 30");
  EXPECT_EQ(eval_text({"im_listener", "peer", "10.0.0.0/8", "idle_time"}), "idle_time = 30");
  EXPECT_EQ(eval_text({"im_listener", "peer", "192.0.2.1", "idle_time"}), "idle_time = 60");
}

TEST_F(ConfigCommand, EvalOfAScopeThatDoesNotExistFallsBackAllTheSame) {  // checklist 29
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:1", "idle_time"}), "idle_time = 60");
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:1", "peer", "10.2.2.3", "idle_time"}),
            "idle_time = 30");
  EXPECT_EQ(eval_text({"domain", "b.example", "role"}), "role = \"client\"");
  EXPECT_EQ(eval_text({"domain", "b.org", "role"}), "role = \"\"");
  EXPECT_EQ(eval_text({"threadpool", "none", "concurrency"}), "concurrency = 0");
}

TEST_F(ConfigCommand, EvalShowsValuesAsWrittenAndDefaultsInTheSameForm) {
  EXPECT_EQ(eval_text({"nagle"}), "nagle = Enabled");  // checklist 11
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:5222", "nagle"}), "nagle = Enabled");
  EXPECT_EQ(eval_text({"im_listener", "backlog"}), "backlog = 500");
  EXPECT_EQ(eval_text({"domain", "A.example", "role"}), "role = \"server\"");
  EXPECT_EQ(eval_text({"domain", "a.example", "secret"}), R"(secret = "a \"b\" \d")");
  EXPECT_EQ(eval_text({"datasource", "d", "uri"}), R"(uri = ( "sqlite:x" "sqlite:y" ))");
  EXPECT_EQ(eval_text({"datasource", "d", "cache_life"}), "cache_life = 3600");
}

TEST_F(ConfigCommand, EvalTakesANameOnlyWhereATypeHasOne) {
  EXPECT_EQ(eval_text({"im_logger", "logfile"}), "logfile = \"one\"");
  EXPECT_EQ(eval_text({"im_logger", "im_logger", "logfile"}), "logfile = \"one\"");
  EXPECT_EQ(eval_text({"im_logger", "b", "logfile"}), "logfile = \"12\"");
  EXPECT_EQ(eval_text({"im_logger", "script", "s", "logfile"}), "logfile = \"one\"");
}

TEST_F(ConfigCommand, EvalKnowsWhichOfSeveralOptionsOfANameIsMeant) {
  EXPECT_EQ(eval_text({"debug_level"}), "debug_level = \"NOTICE\"");
  EXPECT_EQ(eval_text({"im_logger", "debug_level"}), "debug_level = \"ERROR\"");
  EXPECT_EQ(eval_text({"control_listener", "listen", "/run/x", "file_mode"}), "file_mode = 0660");
  EXPECT_EQ(eval_text({"im_listener", "listen", "*:5222", "file_mode"}), "file_mode = 0600");
}

TEST_F(ConfigCommand, EvalErrorsSayWhatWouldBeRight) {
  EXPECT_EQ(eval_text({}), "error: must be [TYPE [NAME]]... OPTION, as in: security user");
  EXPECT_EQ(eval_text({"im_listener", "idletime"}),
            "error: there is no option \"idletime\" in im_listener; did you mean idle_time?");
  EXPECT_EQ(eval_text({"im_listner", "idle_time"}),
            "error: there is no stanza \"im_listner\" in the global scope; did you mean "
            "im_listener?");
  EXPECT_EQ(eval_text({"listen", "x", "idle_time"}),
            "error: there is no stanza \"listen\" in the global scope");
  EXPECT_EQ(eval_text({"datasource", "uri"}), "error: datasource must be followed by a name");
  EXPECT_EQ(eval(generation_, {"nonsense"}).error().code, ErrorCode::kNotFound);
}

TEST_F(ConfigCommand, ShowPrintsTheWholeTreeOrTheStanzasOfOneType) {
  EXPECT_EQ(show_text({"datasource"}),
            "datasource \"d\" {\n  uri = ( \"sqlite:x\" \"sqlite:y\" )\n}\n");
  EXPECT_EQ(show_text({"im_logger", "b"}), "im_logger \"b\" {\n  logfile = 12\n}\n");
  EXPECT_EQ(show_text({"im_logger", "im_logger"}),
            "im_logger {\n  logfile = one\n  script \"s\" {}\n}\n");
  EXPECT_EQ(show_text({"IM_Listener", "Listen", "*:5222", "peer"}),
            "peer \"10.1.0.0/16\" {\n  idle_time = 40\n}\n");
  EXPECT_EQ(show_text({"im"}), "im {\n}\n");
  const std::string all = show_text({});
  EXPECT_EQ(all, show_text({}));
  EXPECT_TRUE(all.starts_with("nagle = Enabled\nim {}\nim_listener {\n  idle_time = 60\n")) << all;
}

TEST_F(ConfigCommand, ShowErrorsSayWhatThereIs) {
  EXPECT_EQ(show_text({"im_loger"}),
            "error: nothing is set for \"im_loger\" in the global scope; did you mean im_logger?");
  EXPECT_EQ(show_text({"im_listener", "listen", "*:1"}),
            "error: nothing is set for \"*:1\" in listen \"*:5222\"");
}

TEST_F(ConfigCommand, WhatShowPrintsIsTheSameConfiguration) {
  const std::string all = show_text({});
  const Generation again = generation_of(all);
  EXPECT_EQ(*show(again, {}), all);
  EXPECT_EQ(*eval(again, {"domain", "a.example", "secret"}), R"(secret = "a \"b\" \d")");
}

}  // namespace
}  // namespace impulse::config
