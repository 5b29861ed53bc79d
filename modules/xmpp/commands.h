// Console commands of the module xmpp.
#pragma once

#include "host/module/hook.h"
#include "modules/xmpp/engine.h"

namespace impulse::xmpp {

/// Registers them; main thread.
Registrations add_commands(Engine& engine);
/// The hook table as Markdown, from which docs/hooks.md is made.
std::string hooks_markdown();

}  // namespace impulse::xmpp
