// Tests of host/aaa/file_store.cc: what a password file says, and that changes are seen.
#include "host/aaa/file_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "t/unit/host/loop_runner.h"

namespace impulse::aaa {
namespace {

/// "name=password" of all entries, sorted.
std::string shown(const ParsedPasswords& parsed) {
  std::map<std::string, std::string> sorted;
  for (const auto& [name, secret] : parsed.table) sorted[name] = secret.reveal();
  std::string text;
  for (const auto& [name, password] : sorted) text += "[" + name + "=" + password + "]";
  return text;
}

struct FileRow {
  const char* name;
  std::string text;
  std::string expected;
  std::size_t bad_lines = 0;
  std::size_t first_bad_line = 0;
};

class PasswordFile : public ::testing::TestWithParam<FileRow> {};

TEST_P(PasswordFile, SaysWhoHasWhichPassword) {
  const ParsedPasswords parsed = parse_password_file(GetParam().text);
  EXPECT_EQ(shown(parsed), GetParam().expected);
  EXPECT_EQ(parsed.bad_lines, GetParam().bad_lines);
  EXPECT_EQ(parsed.first_bad_line, GetParam().first_bad_line);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, PasswordFile,
    ::testing::Values(
        FileRow{"Empty", "", ""}, FileRow{"OneLine", "juliet:romeo\n", "[juliet=romeo]"},
        FileRow{"NoLineEndAtTheEnd", "a:1\nb:2", "[a=1][b=2]"},
        FileRow{"CrLf", "a:1\r\nb:2\r\n", "[a=1][b=2]"},
        FileRow{"CommentsAndEmptyLines", "# a:1\n\n\r\n#\nb:2\n", "[b=2]"},
        FileRow{"TheFirstColonSplits", "a:1:2:\n", "[a=1:2:]"},
        FileRow{"BlanksBelongToThePassword", "a: 1 \n", "[a= 1 ]"},
        FileRow{"HashInsideIsNoComment", "a:1#2\n", "[a=1#2]"},
        FileRow{"WithDomain", "a@Example.COM:1\n", "[a@example.com=1]"},
        FileRow{"NamesInLowerCase", "Juliet:Secret\n", "[juliet=Secret]"},
        FileRow{"TheFirstOfTwoCounts", "a:1\nA:2\n", "[a=1]"},
        FileRow{"ByteOrderMark",
                "\xEF\xBB\xBF"
                "a:1\n",
                "[a=1]"},
        FileRow{"LinesThatSayNothing", "a:1\nnonsense\n:x\nb:\nc:3\n", "[a=1][c=3]", 3, 2},
        FileRow{"AnyBytes", std::string("\xff\0:\x80\0\n", 6), std::string("[\xff\0=\x80\0]", 7)}),
    [](const auto& row) { return row.param.name; });

class FileStoreTest : public ::testing::Test {
 protected:
  FileStoreTest() {
    std::string pattern = ::testing::TempDir() + "file_store_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ + "/users";
  }
  ~FileStoreTest() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& text) { std::ofstream(path_) << text; }
  void open() {
    auto opened = FileStore::open(path_, io_);
    ASSERT_TRUE(opened) << opened.error().what;
    store_ = std::move(*opened);
  }
  Result<std::optional<Credentials>> find(std::string user, std::string domain) {
    return runner_.wait<std::optional<Credentials>>(
        [&](auto done) { store_->find(runner_.loop(), user, domain, std::move(done)); });
  }
  /// The password, "-" for an unknown account, "!" for an error.
  std::string password(std::string user, std::string domain = "example.com") {
    auto found = find(user, domain);
    if (!found) return "!";
    return *found ? std::string((*found)->password->reveal()) : "-";
  }

  std::string directory_;
  std::string path_;
  LoopRunner runner_;
  event::Pool io_{"IO", 2};
  std::shared_ptr<PasswordStore> store_;
};

TEST_F(FileStoreTest, TheEntryWithDomainComesFirst) {
  write("juliet:everywhere\njuliet@example.com:here\nromeo@example.net:there\n");
  open();
  EXPECT_EQ(password("juliet", "example.com"), "here");
  EXPECT_EQ(password("juliet", "example.org"), "everywhere");
  EXPECT_EQ(password("romeo", "example.net"), "there");
  EXPECT_EQ(password("romeo", "example.com"), "-");
  EXPECT_EQ(password("nurse", "example.com"), "-");
  EXPECT_EQ(store_->uri(), "file://" + path_);
}

TEST_F(FileStoreTest, AChangedFileIsReadAgain) {
  write("juliet:one\n");
  open();
  EXPECT_EQ(password("juliet"), "one");
  write("juliet:two\n");  // same size, and most likely the same time stamp
  EXPECT_EQ(password("juliet"), "two");
  write("juliet:three\nromeo:r\n");
  EXPECT_EQ(password("juliet"), "three");
  EXPECT_EQ(password("romeo"), "r");
  std::ofstream(path_ + ".new") << "juliet:moved\n";
  std::filesystem::rename(path_ + ".new", path_);
  EXPECT_EQ(password("juliet"), "moved");
  EXPECT_EQ(password("romeo"), "-");
}

TEST_F(FileStoreTest, AFileThatWentAwayIsATemporaryFailureAndNotAnUnknownAccount) {
  write("juliet:one\n");
  open();
  std::filesystem::remove(path_);
  const auto found = find("juliet", "example.com");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(found.error().what.find(path_), std::string::npos);
  write("juliet:back\n");
  EXPECT_EQ(password("juliet"), "back");
}

TEST_F(FileStoreTest, WhatIsNoReadableFileIsRefusedAtOnce) {
  ASSERT_EQ(::mkfifo((directory_ + "/pipe").c_str(), 0600), 0);
  for (const std::string& path : {directory_ + "/missing", directory_, directory_ + "/pipe",
                                  std::string("users"), std::string()}) {
    auto opened = FileStore::open(path, io_);
    ASSERT_FALSE(opened) << path;
    EXPECT_NE(opened.error().what.find(path), std::string::npos) << opened.error().what;
  }
}

TEST_F(FileStoreTest, ItCannotBeChangedFromHere) {
  write("juliet:one\n");
  open();
  const auto set = runner_.wait<void>([&](auto done) {
    store_->set_password(runner_.loop(), "juliet", "example.com", Secret("x"), false,
                         std::move(done));
  });
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, ErrorCode::kDenied);
  const auto removed = runner_.wait<void>(
      [&](auto done) { store_->remove(runner_.loop(), "juliet", "example.com", std::move(done)); });
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, ErrorCode::kDenied);
  const auto list = runner_.wait<std::vector<std::string>>(
      [&](auto done) { store_->list(runner_.loop(), std::move(done)); });
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, ErrorCode::kDenied);
  EXPECT_EQ(password("juliet"), "one");
}

TEST_F(FileStoreTest, AnAnswerComesThoughTheStoreHasGone) {
  write("juliet:one\n");
  open();
  const auto found = runner_.wait<std::optional<Credentials>>([&](auto done) {
    store_->find(runner_.loop(), "juliet", "example.com", std::move(done));
    store_.reset();
  });
  EXPECT_TRUE(found && *found);
}

}  // namespace
}  // namespace impulse::aaa
