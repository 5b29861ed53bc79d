// The log source of the module xmpp (option debug_level).
#pragma once

#include "host/base/log.h"

namespace impulse::xmpp {
log::Source& module_log();
}  // namespace impulse::xmpp
