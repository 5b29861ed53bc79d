// Reader: a thread with its own connection that answers the reads of a datasource.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "host/store/call_queue.h"
#include "host/store/sql_connection.h"

namespace impulse::store {

/// Serves one of the two queues of reads. Ends after CallQueue::stop_reads().
class Reader {
 public:
  enum class Serves { kShapes, kPolicy };
  /// `queue` must outlive it.
  Reader(const std::string& name, Serves serves, std::unique_ptr<SqlConnection> connection,
         CallQueue& queue);
  /// Waits until the rest is answered.
  ~Reader();

 private:
  void run() noexcept;
  void run_policy() noexcept;

  std::unique_ptr<SqlConnection> connection_;
  CallQueue& queue_;
  std::thread thread_;
};

}  // namespace impulse::store
