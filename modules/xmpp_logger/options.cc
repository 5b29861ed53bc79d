// The option table of xmpp_logger.
#include "modules/xmpp_logger/options.h"

#include "host/config/option_table.h"

namespace impulse::xmpp_logger {

namespace {

constexpr std::string_view kLogger[] = {"xmpp_logger"};

constexpr config::Option<LoggerOptions> kOptions[] = {
    {.name = "logfile",
     .member = &LoggerOptions::logfile,
     .scopes = kLogger,
     .help = "Path of the file that records are appended to."},
    {.name = "logmode",
     .member = &LoggerOptions::logmode,
     .scopes = kLogger,
     .help = "Permission bits of the file when it is made.",
     .range = {0, 0777}},
    {.name = "log_reception",
     .member = &LoggerOptions::log_reception,
     .scopes = kLogger,
     .help = "True writes a record for each stanza received from a client."},
    {.name = "log_reception_format",
     .member = &LoggerOptions::log_reception_format,
     .scopes = kLogger,
     .help = "Format of reception records; macros %t %st %at %af %ai %ay %so %sr %H."},
    {.name = "log_delivery",
     .member = &LoggerOptions::log_delivery,
     .scopes = kLogger,
     .help = "True writes a record for each stanza sent to a client."},
    {.name = "log_delivery_format",
     .member = &LoggerOptions::log_delivery_format,
     .scopes = kLogger,
     .help = "Format of delivery records, with the same macros."},
    {.name = "heartbeat",
     .member = &LoggerOptions::heartbeat,
     .scopes = kLogger,
     .help = "Seconds between heartbeat records; 0 = none.",
     .range = {0, 86'400}},
    {.name = "log_heartbeat_format",
     .member = &LoggerOptions::log_heartbeat_format,
     .scopes = kLogger,
     .help = "Format of heartbeat records; of the macros only %t has a value."},
    {.name = "namespace",
     .member = &LoggerOptions::namespaces,
     .scopes = kLogger,
     .help =
         "Namespaces in which macros are looked up, in order; xmpp_logger is the one there is."},
};

}  // namespace

const config::OptionTable& logger_table() {
  static const config::OptionTable kTable = config::make_table("xmpp_logger", kOptions);
  return kTable;
}

config::SchemaPart schema() {
  return {.provider = "xmpp_logger",
          .stanzas = {{.type = "xmpp_logger",
                       .parents = {""},
                       .naming = config::Naming::kOptional,
                       .help = "A log of stanzas; any number of them with different names."}},
          .tables = {logger_table()}};
}

}  // namespace impulse::xmpp_logger
