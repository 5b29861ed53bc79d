// Tests of host/daemon/arguments.cc.
#include "host/daemon/arguments.h"

#include <gtest/gtest.h>

namespace impulse::daemon {
namespace {

using Task = Arguments::Task;

TEST(DaemonArguments, WithoutAnyItServesTheInstalledConfigurationInTheBackground) {
  auto arguments = parse_arguments({});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->task, Task::kServe);
  EXPECT_EQ(arguments->config_file, IMPULSE_CONFIG_FILE);
  EXPECT_EQ(arguments->module_directory, IMPULSE_MODULE_DIRECTORY);
  EXPECT_FALSE(arguments->is_foreground);
}

TEST(DaemonArguments, ValueStandsBehindTheSwitchOrAnEqualsSign) {
  EXPECT_EQ(parse_arguments({"--config", "a.conf"})->config_file, "a.conf");
  EXPECT_EQ(parse_arguments({"--config=b.conf"})->config_file, "b.conf");
  EXPECT_EQ(parse_arguments({"-c", "c.conf"})->config_file, "c.conf");
}

TEST(DaemonArguments, LettersMeanWhatTheyMeantInTheOriginal) {
  EXPECT_TRUE(parse_arguments({"-d"})->is_foreground);
  EXPECT_EQ(parse_arguments({"-h"})->task, Task::kHelp);
}

TEST(DaemonArguments, OptionsTakesTopics) {
  auto arguments = parse_arguments({"--options", "security", "eventloop"});
  ASSERT_TRUE(arguments);
  EXPECT_EQ(arguments->task, Task::kOptions);
  EXPECT_EQ(arguments->topics, (std::vector<std::string>{"security", "eventloop"}));
}

struct Mistake {
  const char* why;
  std::vector<std::string> words;
  const char* told;
};
class DaemonArgumentsMistake : public testing::TestWithParam<Mistake> {};

TEST_P(DaemonArgumentsMistake, IsToldWithTheWord) {
  auto arguments = parse_arguments(GetParam().words);
  ASSERT_FALSE(arguments);
  EXPECT_NE(arguments.error().what.find(GetParam().told), std::string::npos)
      << arguments.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, DaemonArgumentsMistake,
    testing::Values(Mistake{"UnknownSwitch", {"--frobnicate"}, "no switch --frobnicate"},
                    Mistake{"MissingValue", {"--config"}, "--config needs a value: --config FILE"},
                    Mistake{"EmptyValue", {"--config="}, "--config needs a value"},
                    Mistake{"ValueWhereNoneIsTaken", {"--check=yes"}, "--check takes no value"},
                    Mistake{"StrayWord", {"impulse.conf"}, "'impulse.conf' is not a switch"}),
    [](const auto& row) { return std::string(row.param.why); });

TEST(DaemonArguments, UsageNamesEverySwitch) {
  const std::string text = usage();
  for (const char* name : {"--config FILE, -c", "--foreground, -d", "--check", "--options",
                           "--modules DIR", "--scriptlets DIR", "--version", "--help, -h"}) {
    EXPECT_NE(text.find(name), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace impulse::daemon
