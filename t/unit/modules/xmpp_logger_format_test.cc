// Tests of modules/xmpp_logger: formats and record files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <future>
#include <sstream>

#include "host/base/log.h"
#include "modules/xmpp/parser.h"
#include "modules/xmpp_logger/format.h"
#include "modules/xmpp_logger/record_file.h"

namespace impulse::xmpp_logger {
namespace {

constexpr std::int64_t kTime = 1'000'000'000;  // 2001-09-09T01:46:40Z

std::string write(std::string_view format, const xmpp::Traffic* traffic) {
  Result<Format> compiled = Format::compile(format);
  if (!compiled) return "not compiled: " + compiled.error().what;
  std::string out;
  compiled->write(out, kTime, traffic);
  return out;
}
std::string error_of(std::string_view format) {
  Result<Format> compiled = Format::compile(format);
  return compiled ? "compiled" : compiled.error().what;
}

/// A message from Juliet to Romeo.
class RecordOf : public ::testing::Test {
 protected:
  RecordOf()
      : document_(*xmpp::parse_element(
            "<message from='juliet@example.com/home' to='romeo@example.com' id='m1' type='chat'>"
            "<body xml:lang='en'>Art thou <b xmlns='x'>not</b> Romeo?</body><thread/></message>")) {
    traffic_ = {.kind = "message",
                .to = "romeo@example.com",
                .from = "juliet@example.com/home",
                .id = "m1",
                .type = "chat",
                .remote = "192.0.2.7:50123",
                .element = &document_.root()};
  }
  std::string record(std::string_view format) const { return write(format, &traffic_); }

  xmpp::Document document_;
  xmpp::Traffic traffic_;
};

TEST_F(RecordOf, EachMacro) {
  struct {
    const char* macro;
    const char* value;
  } const rows[] = {
      {"%t", "1000000000"},
      {"%st", "message"},
      {"%at", "romeo@example.com"},
      {"%af", "juliet@example.com/home"},
      {"%ai", "m1"},
      {"%ay", "chat"},
      {"%H", "192.0.2.7:50123"},
      {"%sr",
       "<message from='juliet@example.com/home' to='romeo@example.com' id='m1' type='chat'>"
       "<body xml:lang='en'>Art thou <b xmlns='x'>not</b> Romeo?</body><thread/></message>"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(record(row.macro), row.value) << row.macro;
    const std::string name = std::string(row.macro).substr(1);
    EXPECT_EQ(record("%{" + name + "}"), row.value);
    EXPECT_EQ(record("%{xmpp_logger:" + name + "}"), row.value);
  }
}

TEST_F(RecordOf, TheDefaultOfTheOriginal) {
  EXPECT_EQ(record("%t+R+%st+%at+%af"),
            "1000000000+R+message+romeo@example.com+juliet@example.com/home");
}

TEST_F(RecordOf, AMacroNameIsTheLongestRunOfLetters) {
  EXPECT_EQ(record("%{st}x"), "messagex");
  EXPECT_EQ(record("%st%%%at%"
                   "%"),
            "message%romeo@example.com%");
  EXPECT_EQ(record("100%% of %st."), "100% of message.");
  EXPECT_EQ(record(""), "");
}

TEST_F(RecordOf, SoHidesWhatWasSaidAndKeepsTheStructure) {
  const std::string hidden = record("%so");
  EXPECT_EQ(hidden.find("Romeo?"), std::string::npos) << hidden;
  EXPECT_EQ(hidden.find("Art"), std::string::npos) << hidden;
  EXPECT_EQ(hidden.find("not"), std::string::npos) << "text of inner elements too: " << hidden;
  EXPECT_EQ(hidden,
            "<message from='juliet@example.com/home' to='romeo@example.com' id='m1' type='chat'>"
            "<body xml:lang='en'><b xmlns='x'>***</b>***</body><thread/></message>");
  EXPECT_NE(record("%sr").find("Romeo?"), std::string::npos) << "the stanza itself is unchanged";
}

TEST_F(RecordOf, SoHidesNothingButMessages) {
  const xmpp::Document presence =
      *xmpp::parse_element("<presence><status>at home</status></presence>");
  traffic_.element = &presence.root();
  EXPECT_EQ(record("%so"), "<presence><status>at home</status></presence>");
}

TEST_F(RecordOf, StreamsHaveNoElement) {
  traffic_.element = nullptr;
  EXPECT_EQ(record("[%so%sr]"), "[]");
}

// A stranger's bytes never break a record in two.
TEST_F(RecordOf, StaysOneLine) {
  traffic_.id = "a\nb\r\tc\\d\x01\x7f";
  EXPECT_EQ(record("%ai"), "a\\nb\\r\\tc\\\\d\\x01\\x7f");
  const xmpp::Document element = *xmpp::parse_element("<message><body>a\nb\\c</body></message>");
  traffic_.element = &element.root();
  EXPECT_EQ(record("%sr"), "<message><body>a\\nb\\\\c</body></message>");
  traffic_.to = "j\xc3\xbcrgen@example.com";
  EXPECT_EQ(record("%at"), "j\xc3\xbcrgen@example.com") << "UTF-8 stays readable";
}

TEST_F(RecordOf, TimeIsWrittenAsAsked) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  EXPECT_EQ(record("%t{%Y-%m-%dT%H:%M:%S}"), "2001-09-09T01:46:40");
  EXPECT_EQ(record("%t{}"), "1000000000");
  EXPECT_EQ(record("%t{" + std::string(300, 'x') + "}"), "") << "longer than any time";
}

TEST(Heartbeat, HasATimeAndNothingElse) {
  EXPECT_EQ(write("%t+HB+%st%at%af%ai%ay%so%sr%H|", nullptr), "1000000000+HB+|");
}

TEST(FormatError, SaysWhatIsWrongAndWhatThereIs) {
  EXPECT_EQ(error_of("%t+%xx"),
            "the macro %xx is not known; there are %t %st %at %af %ai %ay %so %sr %H");
  EXPECT_EQ(error_of("%"), "the macro % is not known; there are %t %st %at %af %ai %ay %so %sr %H");
  EXPECT_EQ(error_of("%stx").substr(0, 14), "the macro %stx");
  EXPECT_EQ(error_of("%{"), "%{ is not closed by }");
  EXPECT_EQ(error_of("%t{%Y"), "%t{ is not closed by }");
  EXPECT_EQ(error_of("%st{x}"), "the macro %st takes no {argument}");
  EXPECT_EQ(error_of("%{ec_logger:st}"),
            "there are no macros of the namespace ec_logger; write %{xmpp_logger:NAME}");
}

TEST(EscapeValue, LeavesWhatCanBeRead) {
  std::string out = "before ";
  escape_value(out, "<a b='c'>&amp; \"x\" %t");
  EXPECT_EQ(out, "before <a b='c'>&amp; \"x\" %t");
}

/// A directory for one test, and a pool of one thread.
class Records : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = ::testing::TempDir() + "impulse-records-XXXXXX";
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    path_ = directory_ + "/xmpplog.ec";
  }
  void TearDown() override {
    ::unlink(path_.c_str());
    ::unlink((path_ + ".1").c_str());
    ::unlink((directory_ + "/host").c_str());
    ::rmdir(directory_.c_str());
  }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  std::shared_ptr<RecordFile> open(unsigned mode = 0640) {
    auto file = RecordFile::open(pool_, path_, mode);
    EXPECT_TRUE(file) << (file ? "" : file.error().what);
    return file ? std::move(*file) : nullptr;
  }

  std::string directory_, path_;
  event::Pool pool_{"test", 1};
};

TEST_F(Records, AreAppendedInOrderOneToALine) {
  auto file = open();
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    file->append(std::to_string(i));
    expected += std::to_string(i) + "\n";
  }
  file->flush();
  EXPECT_EQ(content(path_), expected);
  EXPECT_EQ(file->path(), path_);
}

TEST_F(Records, AreWrittenWithoutBeingAskedTo) {
  open()->append("x");
  pool_.stop();  // waits for what is queued: the file outlives its last owner until then
  EXPECT_EQ(content(path_), "x\n");
}

TEST_F(Records, GoBehindWhatIsThereAlready) {
  std::ofstream(path_) << "before\n";
  auto file = open();
  file->append("after");
  file->flush();
  EXPECT_EQ(content(path_), "before\nafter\n");
}

TEST_F(Records, AreForThoseWhomTheModeNamesWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  open(0644);
  ::umask(before);
  struct stat status = {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0644u);
  ::chmod(path_.c_str(), 0600);
  open(0644);
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u) << "a file that is there is its administrator's";
}

TEST_F(Records, BeforeAReopenGoToTheOldFile) {
  auto file = open();
  file->append("old");
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  file->append("old too");
  ASSERT_TRUE(file->reopen());
  file->append("new");
  file->flush();
  EXPECT_EQ(content(path_ + ".1"), "old\nold too\n");
  EXPECT_EQ(content(path_), "new\n");
}

TEST_F(Records, KeepTheirFileWhenItCannotBeReopened) {
  auto file = open();
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".1").c_str()), 0);
  ASSERT_EQ(::mkdir(path_.c_str(), 0700), 0);
  const Result<void> reopened = file->reopen();
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().what, "logfile = \"" + path_ + "\": cannot be opened: Is a directory");
  file->append("still");
  file->flush();
  EXPECT_EQ(content(path_ + ".1"), "still\n");
  ::rmdir(path_.c_str());
}

TEST_F(Records, NeedAFileThatCanBeOpened) {
  const auto missing = RecordFile::open(pool_, directory_ + "/none/x", 0640);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("No such file or directory"), std::string::npos);
  const auto uri = RecordFile::open(pool_, "jlog:///var/log/x=>master", 0640);
  ASSERT_FALSE(uri);
  EXPECT_EQ(uri.error().what,
            "logfile = \"jlog:///var/log/x=>master\": must be the path of a file, as in "
            "\"/var/log/x.ec\"");
}

// A disk that takes nothing costs records, not memory; the host's log says how many.
TEST_F(Records, AreDroppedAndCountedPastWhatMayWait) {
  ASSERT_TRUE(log::open_file(directory_ + "/host"));
  auto file = open();
  std::promise<void> go;
  pool_.run([ready = go.get_future()]() mutable { ready.wait(); });
  const std::string mebibyte(1024 * 1024, 'x');
  for (int i = 0; i < 66; ++i) file->append(mebibyte);
  file->append("small ones still fit");
  go.set_value();
  pool_.stop();
  const std::string written = content(path_);
  EXPECT_EQ(written.size() / (1024 * 1024), 63u);
  EXPECT_TRUE(written.ends_with("x\nsmall ones still fit\n"));
  const std::string said = content(directory_ + "/host");
  EXPECT_NE(said.find("records_dropped"), std::string::npos) << said;
  EXPECT_NE(said.find("count=3"), std::string::npos) << said;
  ASSERT_TRUE(log::open_file(""));
}

}  // namespace
}  // namespace impulse::xmpp_logger
