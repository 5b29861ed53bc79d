// Writer: the group commit: many writes, one transaction, answers after the disk has it.
#include "host/store/writer.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

namespace impulse::store {
namespace {

/// Writes in one transaction at most: bounds how long the first of them waits.
constexpr std::size_t kBatchWrites = 1000;
/// Failed commits in a row after which the rest of a batch is not tried: a broken disk may take
/// many seconds for each.
constexpr int kMaxFailedCommits = 3;

}  // namespace

std::thread start_thread(const std::string& name, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

Writer::Writer(const std::string& name, std::unique_ptr<SqlConnection> connection, CallQueue& queue)
    : connection_(std::move(connection)), queue_(queue) {
  thread_ = start_thread("write " + name, [this] { run(); });
}

Writer::~Writer() { thread_.join(); }

void Writer::run() noexcept {
  for (;;) {
    Batch taken = queue_.take_writes(kBatchWrites);
    if (taken.empty()) return;
    std::vector<Entry> batch;
    batch.reserve(taken.size());
    for (auto& write : taken) batch.push_back({std::move(write)});
    commit_together(batch);
    finish(std::move(batch));
    connection_->tend();
  }
}

/// Applies one write behind a mark. False: the transaction cannot go on.
bool Writer::apply(Entry& entry) {
  entry.is_read = false;
  if (auto marked = connection_->mark(); !marked) {
    entry.write->fail(marked.error());
    return false;
  }
  switch (entry.write->apply(*connection_)) {
    case Write::Outcome::kIsRead:
      entry.is_read = true;
      break;
    case Write::Outcome::kApplied:
      break;
    case Write::Outcome::kFailed:
      return connection_->in_transaction() && connection_->undo().has_value();
  }
  if (auto kept = connection_->keep(); !kept) {
    entry.write->fail(kept.error());
    return false;
  }
  return connection_->in_transaction();
}

void Writer::commit_together(std::vector<Entry>& batch) {
  if (auto ok = connection_->begin_write(); !ok) {
    for (Entry& entry : batch) entry.write->fail(ok.error());
    return;
  }
  bool goes_on = true;
  for (Entry& entry : batch) {
    goes_on = apply(entry);
    if (!goes_on) break;
  }
  if (goes_on) {
    auto committed = connection_->commit();
    if (committed) return;
    for (Entry& entry : batch) entry.write->fail(committed.error());
  }
  connection_->rollback();
  // What is one write's fault (too big for the disk's rest, say) must not be its neighbours'.
  if (batch.size() > 1 || !goes_on) commit_one_by_one(batch);
}

void Writer::commit_one_by_one(std::vector<Entry>& batch) {
  int failed_commits = 0;
  Error last_failure;
  for (Entry& entry : batch) {
    if (failed_commits >= kMaxFailedCommits) {
      entry.is_read = false;
      entry.write->fail(last_failure);
      continue;
    }
    Result<void> done = connection_->begin_write();
    if (done) {
      if (!apply(entry)) {
        connection_->rollback();
        continue;  // the write has its error
      }
      done = connection_->commit();
    }
    if (done) {
      failed_commits = 0;
      continue;
    }
    connection_->rollback();
    ++failed_commits;
    last_failure = done.error();
    entry.is_read = false;
    entry.write->fail(last_failure);
  }
}

void Writer::finish(std::vector<Entry> batch) {
  Batch answered;
  std::vector<std::unique_ptr<Read>> reads;
  for (Entry& entry : batch) {
    if (entry.is_read) {
      reads.push_back(entry.write->take_read());
    } else {
      answered.push_back(std::move(entry.write));
    }
  }
  queue_.settled(batch.size());
  post_answers(std::move(answered));
  if (!reads.empty()) queue_.push_policy(std::move(reads));
}

}  // namespace impulse::store
