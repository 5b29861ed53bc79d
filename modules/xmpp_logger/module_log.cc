// The log source of the module xmpp_logger.
#include "modules/xmpp_logger/module_log.h"

namespace impulse::xmpp_logger {

log::Source& module_log() {
  static log::Source source("xmpp_logger", log::Level::kError);
  return source;
}

}  // namespace impulse::xmpp_logger
