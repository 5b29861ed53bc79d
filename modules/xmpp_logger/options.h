// Options of xmpp_logger (reference 11.1).
#pragma once

#include <string>

#include "host/config/option.h"
#include "host/config/schema.h"

namespace impulse::xmpp_logger {

/// xmpp_logger "name" { }
struct LoggerOptions {
  std::string logfile = IMPULSE_LOG_DIRECTORY "/xmpplog.ec";
  config::Mode logmode{0644};
  bool log_reception = true;
  std::string log_reception_format = "%t+R+%st+%at+%af+%ai+%ay+%H";
  bool log_delivery = true;
  std::string log_delivery_format = "%t+D+%st+%at+%af+%ai+%ay+%H";
  config::Seconds heartbeat{60};
  std::string log_heartbeat_format = "%t+M";
  std::string namespaces = "xmpp_logger,sieve,custom_logger";
};

config::SchemaPart schema();
const config::OptionTable& logger_table();

}  // namespace impulse::xmpp_logger
