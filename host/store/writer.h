// Writer: the group commit: many writes, one transaction, answers after the disk has it.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/store/call_queue.h"
#include "host/store/sql_connection.h"

namespace impulse::store {

/// One thread that takes all writes that wait, applies them in one transaction and delivers the
/// answers after its commit. While a commit waits for the disk, the next batch gathers; nobody
/// waits for a timer. A write that fails is undone alone.
class Writer {
 public:
  /// `queue` must outlive it.
  Writer(const std::string& name, std::unique_ptr<SqlConnection> connection, CallQueue& queue);
  /// After CallQueue::stop_writes(): waits until the rest is done.
  ~Writer();

 private:
  using Batch = std::vector<std::unique_ptr<Write>>;
  /// A write and what became of it in the transaction at hand.
  struct Entry {
    std::unique_ptr<Write> write;
    bool is_read = false;
  };

  void run() noexcept;
  void commit_together(std::vector<Entry>& batch);
  void commit_one_by_one(std::vector<Entry>& batch);
  bool apply(Entry& entry);
  void finish(std::vector<Entry> batch);

  std::unique_ptr<SqlConnection> connection_;
  CallQueue& queue_;
  std::thread thread_;
};

/// Starts a thread that takes no signals (those are for the main thread) and has a name in `top`.
std::thread start_thread(const std::string& name, std::function<void()> body);

}  // namespace impulse::store
