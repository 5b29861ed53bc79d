// The log source of the module xmpp_logger (option debug_level).
#pragma once

#include "host/base/log.h"

namespace impulse::xmpp_logger {
log::Source& module_log();
}  // namespace impulse::xmpp_logger
