// One configured logger: formats, its file, its heartbeat.
#pragma once

#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/event/loop.h"
#include "modules/xmpp/traffic.h"
#include "modules/xmpp_logger/format.h"
#include "modules/xmpp_logger/options.h"
#include "modules/xmpp_logger/record_file.h"

namespace impulse::xmpp_logger {

/// Sees traffic on every loop (any thread); the heartbeat belongs to the main loop.
class Logger final : public xmpp::TrafficObserver {
 public:
  /// `kept` is the file of a running logger of the same path and mode, or nullptr: it goes on, so
  /// that a reload neither loses nor reorders records.
  static Result<std::shared_ptr<Logger>> make(event::Pool& pool, const LoggerOptions& options,
                                              std::shared_ptr<RecordFile> kept);

  void on_traffic(const xmpp::Traffic& traffic) override;
  /// Begins the heartbeat. Main loop.
  void start(event::Loop& main);
  /// Ends it. Main loop.
  void stop() { heartbeat_ = {}; }
  const std::shared_ptr<RecordFile>& file() const { return file_; }
  const LoggerOptions& options() const { return options_; }

 private:
  Logger(LoggerOptions options, std::shared_ptr<RecordFile> file, Format reception, Format delivery,
         Format heartbeat);
  void beat();

  LoggerOptions options_;
  std::shared_ptr<RecordFile> file_;  // owners: this, and the logger of the next generation
  Format reception_format_;
  Format delivery_format_;
  Format heartbeat_format_;
  event::Timer heartbeat_;
};

}  // namespace impulse::xmpp_logger
