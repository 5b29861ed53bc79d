// The options that every module has in its own stanza: enabled, debug_level.
#pragma once

#include <string>

#include "host/config/generation.h"
#include "host/module/loader.h"

namespace impulse {

/// What a module adds to the language, with the options that all modules have. Its stanza is added
/// too where the module declares none. Views live as long as the process.
config::SchemaPart schema_of(const ModuleDescriptor& descriptor);

/// Sets the log threshold of each module to the debug_level of its stanza (several instances: the
/// most talkative one).
void apply_debug_levels(const Loader& loader, const config::Generation& generation);

/// Is the stanza of the module there, and not switched off? For `module list`.
bool is_enabled(const config::Node& stanza);

}  // namespace impulse
