// The options of the stanza scriptlet "scriptlet" {} and of each script in it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "host/config/option.h"
#include "host/config/schema.h"

namespace impulse::scriptlet {

struct ScriptletOptions {
  config::Seconds script_ttl{300};
  std::uint32_t gc_pause = 200;
  std::uint32_t gc_stepmul = 200;
  bool always_gc = false;
  config::Seconds reap_interval{120};
  std::uint32_t max_spare_per_master = 5000;
  config::StringList script_path;
  std::uint32_t budget_ms = 1000;
  config::Bytes memory_limit{0};
};

struct ScriptOptions {
  std::string source;
  bool jit = false;
};

/// The tables beneath live as long as the process.
const config::OptionTable& scriptlet_table();
const config::OptionTable& script_table();
/// What this module adds to the configuration language.
config::SchemaPart schema();

}  // namespace impulse::scriptlet
