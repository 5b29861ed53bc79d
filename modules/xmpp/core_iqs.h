// Requests that the engine answers by itself, without any script.
#pragma once

#include "modules/xmpp/engine.h"

namespace impulse::xmpp {

/// The session request of RFC 3921 (section 3), which newer clients do not send. Main thread,
/// before the loops run.
void add_core_iqs(Engine& engine);

}  // namespace impulse::xmpp
