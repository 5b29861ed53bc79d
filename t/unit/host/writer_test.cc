// Tests of host/store/writer.cc: many writes, one commit, each fails alone.
#include "host/store/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "t/unit/host/loop_runner.h"

namespace impulse::store {
namespace {

/// A database of words. What it was told to break, it breaks. Any thread.
class WordDisk {
 public:
  std::vector<std::string> words() const {
    std::lock_guard lock(mutex_);
    return words_;
  }
  void add(const std::vector<std::string>& more) {
    std::lock_guard lock(mutex_);
    words_.insert(words_.end(), more.begin(), more.end());
  }

  std::atomic<std::size_t> capacity = 1'000'000;  ///< words; a commit beyond fails: disk full
  std::atomic<bool> is_broken = false;            ///< every commit fails
  std::atomic<int> commits = 0;                   ///< asked for
  std::promise<void> commit_reached;              ///< when `gate` is set
  std::shared_future<void> gate;                  ///< the first commit waits for it

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> words_;
};

class WordConnection final : public SqlConnection {
 public:
  explicit WordConnection(WordDisk& disk) : disk_(disk) {}

  void insert(const std::string& word) { open_.push_back(word); }
  void lose_transaction() {
    open_.clear();
    in_transaction_ = false;
  }

  const SqlDialect& dialect() const override { return dialect_; }
  Result<SqlStatement*> prepare(std::string_view, Author) override {
    return Error{ErrorCode::kInvalid, "not SQL"};
  }
  Result<void> execute(const std::string&) override {
    return Error{ErrorCode::kInvalid, "not SQL"};
  }
  Result<void> begin_write() override {
    EXPECT_FALSE(in_transaction_);
    in_transaction_ = true;
    return {};
  }
  Result<void> begin_read() override { return {}; }
  Result<void> commit() override {
    if (++disk_.commits == 1 && disk_.gate.valid()) {
      disk_.commit_reached.set_value();
      disk_.gate.wait();
    }
    EXPECT_TRUE(in_transaction_);
    if (disk_.is_broken) return Error{ErrorCode::kUnavailable, "broken disk"};
    if (disk_.words().size() + open_.size() > disk_.capacity) {
      return Error{ErrorCode::kUnavailable, "disk full"};
    }
    disk_.add(open_);
    lose_transaction();
    return {};
  }
  void rollback() override { lose_transaction(); }
  Result<void> mark() override {
    mark_ = open_.size();
    return {};
  }
  Result<void> keep() override { return {}; }
  Result<void> undo() override {
    open_.resize(mark_);
    return {};
  }
  bool in_transaction() const override { return in_transaction_; }
  std::int64_t changed() const override { return 0; }
  void tend() override {}

 private:
  WordDisk& disk_;
  SqlDialect dialect_;
  std::vector<std::string> open_;
  std::size_t mark_ = 0;
  bool in_transaction_ = false;
};

using Work = std::function<Result<void>(WordConnection&)>;

Work insert(std::vector<std::string> words) {
  return [words](WordConnection& connection) -> Result<void> {
    for (const std::string& word : words) connection.insert(word);
    return {};
  };
}
Work insert_then_fail(std::string word) {
  return [word](WordConnection& connection) -> Result<void> {
    connection.insert(word);
    return Error{ErrorCode::kInvalid, "bad word"};
  };
}

class WriterTest : public ::testing::Test {
 protected:
  void start() {
    writer_ = std::make_unique<Writer>("test", std::make_unique<WordConnection>(disk), queue_);
  }
  /// Starts a writer that is held in its first commit, so that what follows gathers behind it.
  void start_and_hold() {
    disk.gate = gate_.get_future().share();
    start();
    write(insert({"first"}));
    disk.commit_reached.get_future().wait();
  }
  void release() { gate_.set_value(); }

  std::size_t write(Work work) {
    std::lock_guard lock(mutex_);
    const std::size_t number = asked_++;
    auto call = [work = std::move(work)](SqlConnection& connection) {
      return work(static_cast<WordConnection&>(connection));
    };
    auto done = [this, number](Result<void> result) {
      std::lock_guard inner(mutex_);
      words_at_answer_.push_back(disk.words().size());
      answers_.emplace_back(number, result ? "ok" : result.error().what);
      answered_.notify_all();
    };
    queue_.push(std::unique_ptr<Write>(std::make_unique<WriteOf<void, decltype(call)>>(
        runner_.loop(), 100, std::move(call), Done<void>(std::move(done)))));
    return number;
  }
  /// All answers in the order in which they came.
  std::vector<std::pair<std::size_t, std::string>> answers() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return answers_.size() == asked_; });
    return answers_;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> result;
    for (auto& [number, text] : answers()) result.push_back(text);
    return result;
  }
  void TearDown() override {
    queue_.stop_writes();
    writer_.reset();
  }

  using Texts = std::vector<std::string>;
  WordDisk disk;
  std::vector<std::size_t> words_at_answer_;

 private:
  LoopRunner runner_;
  CallQueue queue_;
  std::promise<void> gate_;
  std::unique_ptr<Writer> writer_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t asked_ = 0;
  std::vector<std::pair<std::size_t, std::string>> answers_;
};

TEST_F(WriterTest, WritesThatGatherDuringACommitShareTheNextOne) {
  start_and_hold();
  for (int i = 0; i < 100; ++i) write(insert({"w"}));
  release();
  EXPECT_EQ(answers().size(), 101u);
  EXPECT_EQ(disk.commits, 2);
  EXPECT_EQ(disk.words().size(), 101u);
}

TEST_F(WriterTest, ATransactionIsBounded) {
  start_and_hold();
  for (int i = 0; i < 2500; ++i) write(insert({"w"}));
  release();
  EXPECT_EQ(answers().size(), 2501u);
  EXPECT_EQ(disk.commits, 1 + 3);
}

TEST_F(WriterTest, AnAnswerComesAfterTheDiskHasTheWrite) {
  start();
  for (int i = 0; i < 50; ++i) write(insert({"w"}));
  answers();
  for (std::size_t i = 0; i < words_at_answer_.size(); ++i) EXPECT_GT(words_at_answer_[i], i);
}

TEST_F(WriterTest, WritesTakeEffectAndAreAnsweredInOrder) {
  start_and_hold();
  std::vector<std::string> expected{"first"};
  for (int i = 0; i < 300; ++i) {
    expected.push_back(std::to_string(i));
    write(insert({std::to_string(i)}));
  }
  release();
  const auto got = answers();
  EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
  EXPECT_EQ(disk.words(), expected);
}

TEST_F(WriterTest, AFailingWriteIsUndoneAndFailsAlone) {
  start_and_hold();
  write(insert({"a"}));
  write(insert_then_fail("bad"));
  write(insert({"b"}));
  release();
  EXPECT_EQ(texts(), (Texts{"ok", "ok", "bad word", "ok"}));
  EXPECT_EQ(disk.words(), (Texts{"first", "a", "b"}));
  EXPECT_EQ(disk.commits, 2);
}

TEST_F(WriterTest, AWriteThatCostsTheWholeTransactionFailsAlone) {
  start_and_hold();
  write(insert({"a"}));
  write([](WordConnection& connection) -> Result<void> {
    connection.lose_transaction();
    return Error{ErrorCode::kUnavailable, "transaction gone"};
  });
  write(insert({"b"}));
  release();
  EXPECT_EQ(texts(), (Texts{"ok", "ok", "transaction gone", "ok"}));
  EXPECT_EQ(disk.words(), (Texts{"first", "a", "b"}));
}

TEST_F(WriterTest, AFullDiskFailsOnlyWhatDoesNotFit) {
  start_and_hold();
  disk.capacity = 3;
  write(insert({"a"}));
  write(insert({"much", "too", "long"}));
  write(insert({"b"}));
  release();
  EXPECT_EQ(texts(), (Texts{"ok", "ok", "disk full", "ok"}));
  EXPECT_EQ(disk.words(), (Texts{"first", "a", "b"}));
}

TEST_F(WriterTest, ABrokenDiskIsToldToAllWithoutTryingEach) {
  start_and_hold();
  for (int i = 0; i < 200; ++i) write(insert({"w"}));
  disk.is_broken = true;
  release();
  EXPECT_EQ(texts(), Texts(201, "broken disk"));
  EXPECT_TRUE(disk.words().empty());
  EXPECT_LE(disk.commits, 2 + 1 + 3);
  disk.is_broken = false;
  write(insert({"later"}));
  EXPECT_EQ(texts().back(), "ok");
  EXPECT_EQ(disk.words(), (Texts{"later"}));
}

}  // namespace
}  // namespace impulse::store
