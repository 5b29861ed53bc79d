// The log source of the module xmpp_listener (option debug_level).
#pragma once

#include "host/base/log.h"

namespace impulse::xmpp_listener {
log::Source& module_log();
}  // namespace impulse::xmpp_listener
