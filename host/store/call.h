// Call: one question to a datasource on its way from a loop to a database thread and back.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "host/event/loop.h"
#include "host/store/datasource.h"
#include "host/store/sql_connection.h"

namespace impulse::store {

/// Made on any thread, worked on by one database thread, delivered on `loop`. One at a time.
class Call {
 public:
  /// `bytes`: about how much memory it holds while it waits.
  Call(event::Loop& loop, std::size_t bytes) : loop_(loop), bytes_(bytes) {}
  virtual ~Call() = default;
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  event::Loop& loop() const { return loop_; }
  std::size_t bytes() const { return bytes_; }

  /// Makes `error` its answer.
  virtual void fail(const Error& error) = 0;
  /// Hands the answer to whoever asked. On loop(), once.
  virtual void deliver() = 0;

 private:
  event::Loop& loop_;
  std::size_t bytes_;
};

/// A call that changes nothing.
class Read : public Call {
 public:
  using Call::Call;
  /// Asks the database and keeps the answer.
  virtual void run(SqlConnection& connection) = 0;
};

/// A call that changes something, or may: see kIsRead.
class Write : public Call {
 public:
  enum class Outcome {
    kApplied,  ///< done; counts once the transaction is on disk
    kFailed,   ///< its answer is an error; what it did must be undone
    kIsRead,   ///< it turned out to change nothing: take_read() goes to the readers
  };
  using Call::Call;
  /// Does it and keeps the answer. May be called again after everything was rolled back.
  virtual Outcome apply(SqlConnection& connection) = 0;
  /// After kIsRead: the same call as a read.
  virtual std::unique_ptr<Read> take_read() { return nullptr; }
};

/// A read that runs `Work`: Result<T>(SqlConnection&).
template <class T, class Work>
class ReadOf final : public Read {
 public:
  ReadOf(event::Loop& loop, std::size_t bytes, Work work, Done<T> done)
      : Read(loop, bytes), work_(std::move(work)), done_(std::move(done)) {}
  void run(SqlConnection& connection) override { answer_ = work_(connection); }
  void fail(const Error& error) override { answer_ = error; }
  void deliver() override { done_(std::move(*answer_)); }

 private:
  Work work_;
  Done<T> done_;
  std::optional<Result<T>> answer_;
};

/// A write that runs `Work`: Result<T>(SqlConnection&), callable more than once.
template <class T, class Work>
class WriteOf final : public Write {
 public:
  WriteOf(event::Loop& loop, std::size_t bytes, Work work, Done<T> done)
      : Write(loop, bytes), work_(std::move(work)), done_(std::move(done)) {}
  Outcome apply(SqlConnection& connection) override {
    answer_ = work_(connection);
    return answer_->has_value() ? Outcome::kApplied : Outcome::kFailed;
  }
  void fail(const Error& error) override { answer_ = error; }
  void deliver() override { done_(std::move(*answer_)); }

 private:
  Work work_;
  Done<T> done_;
  std::optional<Result<T>> answer_;
};

/// Posts all answers, one task for each loop; answers for one loop keep their order. Any thread.
template <class Kind>
void post_answers(std::vector<std::unique_ptr<Kind>> calls) {
  while (!calls.empty()) {
    event::Loop& loop = calls.front()->loop();
    std::vector<std::unique_ptr<Kind>> here;
    std::vector<std::unique_ptr<Kind>> elsewhere;
    for (auto& call : calls) (&call->loop() == &loop ? here : elsewhere).push_back(std::move(call));
    loop.post([here = std::move(here)] {
      for (const auto& call : here) call->deliver();
    });
    calls = std::move(elsewhere);
  }
}

}  // namespace impulse::store
