// A file of records: appended in the background, so that a slow disk stops no loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/base/owned.h"
#include "host/base/result.h"
#include "host/event/pool.h"

namespace impulse::xmpp_logger {

/// Any thread. Records of one thread keep their order; each is one line. Held by shared_ptr
/// (owners: the logger, and the write under way).
class RecordFile : public std::enable_shared_from_this<RecordFile> {
 public:
  /// Opens `path` for appending, made with `mode` when it is not there.
  static Result<std::shared_ptr<RecordFile>> open(event::Pool& pool, std::string path,
                                                  unsigned mode);

  /// Queues a line (its end is added). Past 64 MiB that the disk does not take, lines are dropped
  /// and counted.
  void append(std::string_view line);
  /// Opens the path anew: lines queued before go to the old file. On failure the old one stays.
  Result<void> reopen();
  /// Waits until all that was appended is written.
  void flush();

  const std::string& path() const { return path_; }

 private:
  RecordFile(event::Pool& pool, std::string path, unsigned mode)
      : pool_(pool), path_(std::move(path)), mode_(mode) {}
  void write_out();
  void write(std::string_view batch);  // with file_mutex_ held
  static Result<UniqueFd> open_fd(const std::string& path, unsigned mode);

  event::Pool& pool_;
  std::string path_;
  unsigned mode_;
  std::mutex file_mutex_;  // guards fd_; held while writing
  UniqueFd fd_;
  std::mutex mutex_;  // guards what is listed beneath it
  std::string waiting_;
  std::uint64_t dropped_ = 0;
  bool is_writing_ = false;
};

}  // namespace impulse::xmpp_logger
