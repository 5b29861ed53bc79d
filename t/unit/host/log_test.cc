// Tests of host/base/log.cc.
#include "host/base/log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace impulse::log {
namespace {

// Sends the log to a file of its own while it lives.
class Log : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "impulse-log-test-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/log";
    ASSERT_TRUE(open_file(path_));
  }
  void TearDown() override {
    ASSERT_TRUE(open_file(""));
    ::unlink(path_.c_str());
    ::unlink((path_ + ".1").c_str());
    ::rmdir(directory_.c_str());
  }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::string written() const { return content(path_); }
  // What stands behind "key=" in the only line.
  std::string value_of(std::string_view value) {
    write(source_, Level::kError, "what", {{"key", value}});
    const std::string text = written();
    EXPECT_EQ(std::ranges::count(text, '\n'), 1);
    EXPECT_EQ(::truncate(path_.c_str(), 0), 0);
    const std::size_t at = text.find("key=");
    return at == std::string::npos ? text : text.substr(at + 4, text.size() - at - 5);
  }

  Source source_{"log_test"};
  std::string directory_;
  std::string path_;
};

TEST_F(Log, WritesTimeLevelSourceWhatAndFields) {
  LOG(source_, kWarning, "session_bound", {"jid", "romeo@example.net"}, {"port", 5222},
      {"secure", true});
  const std::string line = written();
  ASSERT_GT(line.size(), 24U);
  std::string form = line.substr(0, 24);
  for (char& c : form) c = c >= '0' && c <= '9' ? 'n' : c;
  EXPECT_EQ(form, "nnnn-nn-nnTnn:nn:nn.nnnZ");
  EXPECT_EQ(line.substr(24),
            " WARNING log_test session_bound jid=romeo@example.net port=5222 secure=true\n");
}

TEST_F(Log, BelowTheThresholdNothingIsWrittenAndNoFieldEvaluated) {
  int evaluated = 0;
  const auto field = [&] { return ++evaluated; };
  source_.set_threshold(Level::kError);
  LOG(source_, kWarning, "quiet", {"n", field()});
  EXPECT_EQ(evaluated, 0);
  LOG(source_, kError, "loud", {"n", field()});
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(written().find("quiet"), std::string::npos);
  EXPECT_NE(written().find("loud n=1"), std::string::npos);
}

TEST_F(Log, EscapesWhatCouldForgeOrHideALine) {
  using namespace std::string_view_literals;
  struct Row {
    std::string_view value;
    std::string_view shown;
  };
  const Row rows[] = {
      {"plain/text:1", "plain/text:1"},
      {"", R"("")"},
      {"two words", R"("two words")"},
      {"a=b", R"("a=b")"},
      {R"(say "hi" \o/)", R"("say \"hi\" \\o/")"},
      {"x\n2026-01-01T00:00:00.000Z ERROR host forged",
       R"("x\n2026-01-01T00:00:00.000Z ERROR host forged")"},
      {"\r\t", R"("\r\t")"},
      {"nul\0esc\x1b[31m"sv, R"("nul\x00esc\x1b[31m")"},
      {"j\xc3\xbcrg@\xf0\x9f\x8d\x95", "\"j\xc3\xbcrg@\xf0\x9f\x8d\x95\""},
      {"\xc3(", R"("\xc3(")"},                        // broken sequence
      {"\xc0\xaf", R"("\xc0\xaf")"},                  // overlong
      {"\xed\xa0\x80", R"("\xed\xa0\x80")"},          // surrogate
      {"\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},  // above U+10FFFF
      {"\xe2\x80", R"("\xe2\x80")"},                  // cut off
      {"\xc2\x85", R"("\xc2\x85")"},                  // U+0085 next line
      {"\xe2\x80\xae-", R"("\xe2\x80\xae-")"},        // U+202E turns the direction
  };
  for (const Row& row : rows) EXPECT_EQ(value_of(row.value), row.shown);
}

TEST_F(Log, CutsALineAtItsLimitAndClosesTheQuote) {
  for (const char fill : {'a', ' ', '\x01'}) {
    write(source_, Level::kError, "long", {{"key", std::string(20'000, fill)}, {"next", "n"}});
    const std::string text = written();
    EXPECT_LE(text.size(), 4096U);
    EXPECT_GT(text.size(), 4000U);
    EXPECT_TRUE(text.ends_with("\"...\n")) << text.substr(text.size() - 20);
    EXPECT_EQ(::truncate(path_.c_str(), 0), 0);
  }
}

TEST_F(Log, LinesOfManyThreadsStayWholeWhileTheFileIsReopened) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kLines; ++i) {
        LOG(source_, kError, "line", {"thread", t}, {"number", i}, {"end", "yes"});
      }
    });
  }
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(reopen());
  for (auto& thread : threads) thread.join();
  std::istringstream lines(written());
  std::set<std::string> seen;
  std::string line;
  while (std::getline(lines, line))
    seen.insert(line.substr(std::min<std::size_t>(24, line.size())));
  EXPECT_EQ(seen.size(), std::size_t{kThreads} * kLines);
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kLines; ++i) {
      ASSERT_TRUE(seen.contains(" ERROR log_test line thread=" + std::to_string(t) +
                                " number=" + std::to_string(i) + " end=yes"));
    }
  }
}

TEST_F(Log, ReopenMakesTheFileAnewAfterRotation) {
  write(source_, Level::kError, "before", {});
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  write(source_, Level::kError, "between", {});
  ASSERT_TRUE(reopen());
  write(source_, Level::kError, "after", {});
  EXPECT_NE(content(path_ + ".1").find("between"), std::string::npos);
  EXPECT_NE(written().find("after"), std::string::npos);
  EXPECT_EQ(written().find("before"), std::string::npos);
}

TEST_F(Log, AFileThatCannotBeOpenedIsAnErrorAndTheOldOneStays) {
  const auto opened = open_file(directory_ + "/no/such");
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("/no/such"), std::string::npos);
  write(source_, Level::kError, "still", {});
  EXPECT_NE(written().find("still"), std::string::npos);
}

TEST_F(Log, AppendsToWhatIsThere) {
  write(source_, Level::kError, "one", {});
  ASSERT_TRUE(open_file(path_));
  write(source_, Level::kError, "two", {});
  EXPECT_EQ(std::ranges::count(written(), '\n'), 2);
  struct stat status = {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0137U, 0U);  // nothing for others, nothing but reading for the group
}

TEST(LogLevel, ParsesItsNamesInAnyCaseAndNamesThemWhenWrong) {
  for (const Level level : {Level::kDebug, Level::kInfo, Level::kNotice, Level::kWarning,
                            Level::kError, Level::kCritical}) {
    std::string name(name_of(level));
    EXPECT_EQ(*parse_level(name), level);
    std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    EXPECT_EQ(*parse_level(name), level);
  }
  const auto wrong = parse_level("LOUD");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::kInvalid);
  EXPECT_NE(wrong.error().what.find("LOUD"), std::string::npos);
  EXPECT_NE(wrong.error().what.find("NOTICE"), std::string::npos);
  EXPECT_FALSE(parse_level(""));
  EXPECT_FALSE(parse_level("DEBUGS"));
}

TEST(LogSources, AreFoundByNameWhileTheyLive) {
  const auto lives = [](std::string_view name) {
    bool found = false;
    for_each([&](Source& source) { found = found || source.name() == name; });
    return found;
  };
  {
    Source one("twin");
    Source two("twin");
    Source other("other");
    ASSERT_TRUE(set_threshold("twin", Level::kDebug));
    EXPECT_TRUE(one.wants(Level::kDebug));
    EXPECT_TRUE(two.wants(Level::kDebug));
    EXPECT_FALSE(other.wants(Level::kDebug));
    EXPECT_TRUE(lives("twin"));
    const auto missing = set_threshold("nonesuch", Level::kInfo);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
    EXPECT_NE(missing.error().what.find(" twin"), std::string::npos);
  }
  EXPECT_FALSE(lives("twin"));
  EXPECT_FALSE(set_threshold("twin", Level::kInfo));
}

}  // namespace
}  // namespace impulse::log
