// Reader: a thread with its own connection that answers the reads of a datasource.
#include "host/store/reader.h"

#include <utility>

#include "host/store/writer.h"

namespace impulse::store {
namespace {

/// Reads that share one view of the data: saves two statements for each of them.
constexpr std::size_t kBatchReads = 16;

/// Runs and answers reads inside one transaction; `begun` is called when their view is fixed.
template <class Begun>
void answer(SqlConnection& connection, std::vector<std::unique_ptr<Read>> reads, Begun begun) {
  auto started = connection.begin_read();
  begun();
  for (auto& read : reads) {
    if (started) {
      read->run(connection);
    } else {
      read->fail(started.error());
    }
    std::vector<std::unique_ptr<Read>> one;
    one.push_back(std::move(read));
    post_answers(std::move(one));
  }
  connection.rollback();
}

}  // namespace

Reader::Reader(const std::string& name, Serves serves, std::unique_ptr<SqlConnection> connection,
               CallQueue& queue)
    : connection_(std::move(connection)), queue_(queue) {
  thread_ = start_thread("read " + name, [this, serves] {
    switch (serves) {
      case Serves::kShapes:
        return run();
      case Serves::kPolicy:
        return run_policy();
    }
  });
}

Reader::~Reader() { thread_.join(); }

void Reader::run() noexcept {
  for (;;) {
    CallQueue::Reads batch = queue_.take_reads(kBatchReads);
    if (batch.calls.empty()) return;
    answer(*connection_, std::move(batch.calls), [&] { queue_.begun(batch.ticket); });
  }
}

void Reader::run_policy() noexcept {
  for (;;) {
    auto batch = queue_.take_policy_reads();
    if (batch.empty()) return;
    answer(*connection_, std::move(batch), [] {});
  }
}

}  // namespace impulse::store
