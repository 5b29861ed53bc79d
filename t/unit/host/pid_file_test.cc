// Tests of host/daemon/pid_file.cc.
#include "host/daemon/pid_file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace impulse::daemon {
namespace {

class PidFiles : public testing::Test {
 protected:
  PidFiles() {
    char pattern[] = "/tmp/impulse-pid-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    path_ = directory_ + "/impulsed.pid";
  }
  ~PidFiles() override { std::filesystem::remove_all(directory_); }

  std::string content() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string directory_;
  std::string path_;
};

TEST_F(PidFiles, HoldsOurProcessIdAndGoesWithItsObject) {
  {
    auto file = PidFile::create(path_);
    ASSERT_TRUE(file) << file.error().what;
    EXPECT_EQ(content(), std::to_string(::getpid()) + "\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFiles, SecondInstanceIsToldWhoIsRunning) {
  auto file = PidFile::create(path_);
  ASSERT_TRUE(file);
  const pid_t child = ::fork();
  if (child == 0) {
    auto second = PidFile::create(path_);
    const bool is_told = !second && second.error().code == ErrorCode::kExists &&
                         second.error().what.find(std::to_string(::getppid())) != std::string::npos;
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(PidFiles, StaleOneIsTakenOver) {
  std::ofstream(path_) << "999999999\n";
  auto file = PidFile::create(path_);
  ASSERT_TRUE(file) << file.error().what;
  EXPECT_EQ(content(), std::to_string(::getpid()) + "\n");
}

TEST_F(PidFiles, MovedObjectRemovesItOnce) {
  auto created = PidFile::create(path_);
  ASSERT_TRUE(created);
  PidFile kept = std::move(*created);
  { PidFile emptied = std::move(*created); }
  EXPECT_TRUE(std::filesystem::exists(path_));
  kept = PidFile();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(PidFiles, MissingDirectoryIsToldWithThePath) {
  auto file = PidFile::create(directory_ + "/none/impulsed.pid");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().what.find(directory_ + "/none/impulsed.pid"), std::string::npos);
}

TEST_F(PidFiles, SymbolicLinkIsNotFollowed) {
  std::filesystem::create_symlink(directory_ + "/precious", path_);
  EXPECT_FALSE(PidFile::create(path_));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/precious"));
}

}  // namespace
}  // namespace impulse::daemon
