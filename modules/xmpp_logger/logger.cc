// Records of traffic and heartbeats.
#include "modules/xmpp_logger/logger.h"

#include <ctime>
#include <utility>

namespace impulse::xmpp_logger {

Logger::Logger(LoggerOptions options, std::shared_ptr<RecordFile> file, Format reception,
               Format delivery, Format heartbeat)
    : options_(std::move(options)),
      file_(std::move(file)),
      reception_format_(std::move(reception)),
      delivery_format_(std::move(delivery)),
      heartbeat_format_(std::move(heartbeat)) {}

Result<std::shared_ptr<Logger>> Logger::make(event::Pool& pool, const LoggerOptions& options,
                                             std::shared_ptr<RecordFile> kept) {
  auto reception = Format::compile(options.log_reception_format);
  if (!reception) return std::move(reception).error().in("log_reception_format");
  auto delivery = Format::compile(options.log_delivery_format);
  if (!delivery) return std::move(delivery).error().in("log_delivery_format");
  auto heartbeat = Format::compile(options.log_heartbeat_format);
  if (!heartbeat) return std::move(heartbeat).error().in("log_heartbeat_format");
  if (!kept) {
    auto file = RecordFile::open(pool, options.logfile, options.logmode.bits);
    if (!file) return std::move(file).error();
    kept = std::move(*file);
  }
  return std::shared_ptr<Logger>(new Logger(options, std::move(kept), std::move(*reception),
                                            std::move(*delivery), std::move(*heartbeat)));
}

void Logger::on_traffic(const xmpp::Traffic& traffic) {
  const bool is_received = traffic.direction == xmpp::Traffic::Direction::kReceived;
  if (!(is_received ? options_.log_reception : options_.log_delivery)) return;
  static thread_local std::string line;
  line.clear();
  (is_received ? reception_format_ : delivery_format_).write(line, std::time(nullptr), &traffic);
  file_->append(line);
}

void Logger::start(event::Loop& main) {
  if (options_.heartbeat.count() == 0) return;
  heartbeat_ = main.every(options_.heartbeat, [this] { beat(); });
}

void Logger::beat() {
  std::string line;
  heartbeat_format_.write(line, std::time(nullptr), nullptr);
  file_->append(line);
}

}  // namespace impulse::xmpp_logger
