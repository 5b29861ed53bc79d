// The option tables of the scriptlet module.
#include "modules/scriptlet/options.h"

#include <string_view>

#include "host/config/option_table.h"

namespace impulse::scriptlet {

namespace {

constexpr std::string_view kScriptlet[] = {"scriptlet"};
constexpr std::string_view kScript[] = {"script"};

constexpr config::Option<ScriptletOptions> kScriptletOptions[] = {
    {"script_ttl",
     &ScriptletOptions::script_ttl,
     kScriptlet,
     "Seconds for which a waiting script of a replaced configuration may go on before it is "
     "dropped.",
     {1, 86'400}},
    {"gc_pause",
     &ScriptletOptions::gc_pause,
     kScriptlet,
     "Growth of Lua memory, in percent, after which the collector begins a new cycle.",
     {100, 1000}},
    {"gc_stepmul",
     &ScriptletOptions::gc_stepmul,
     kScriptlet,
     "Speed of the collector relative to allocation, in percent.",
     {100, 10'000}},
    {"always_gc", &ScriptletOptions::always_gc, kScriptlet,
     "Whether the collector makes a step after each call of a script; costs speed."},
    {"reap_interval",
     &ScriptletOptions::reap_interval,
     kScriptlet,
     "Seconds after which spare coroutines that nobody needed are freed.",
     {1, 86'400}},
    {"max_spare_per_master",
     &ScriptletOptions::max_spare_per_master,
     kScriptlet,
     "Number of spare coroutines that each event loop keeps.",
     {0, 1'000'000}},
    {"script_path", &ScriptletOptions::script_path, kScriptlet,
     "Directories searched first for scripts and required files; then follow the directory of the "
     "configuration file, its subdirectories scripts and policy, and the scriptlets of the "
     "server."},
    {"budget_ms",
     &ScriptletOptions::budget_ms,
     kScriptlet,
     "Milliseconds of processor time that a call of a script may take without waiting; also limits "
     "it to ten million instructions for each second of it.",
     {10, 600'000}},
    {"memory_limit",
     &ScriptletOptions::memory_limit,
     kScriptlet,
     "Memory that the scripts of one event loop may use; 0 = no limit.",
     {0, 64ull << 30}},
};

constexpr config::Option<ScriptOptions> kScriptOptions[] = {
    {"source", &ScriptOptions::source, kScript,
     "Name of the script without .lua, with . or / between directories."},
    {"jit", &ScriptOptions::jit, kScript,
     "Whether the script is compiled to machine code: faster, but a loop in it that never ends "
     "cannot be cut off."},
};

}  // namespace

const config::OptionTable& scriptlet_table() {
  static const config::OptionTable table = config::make_table("scriptlet", kScriptletOptions);
  return table;
}

const config::OptionTable& script_table() {
  static const config::OptionTable table = config::make_table("script", kScriptOptions);
  return table;
}

config::SchemaPart schema() {
  return {.provider = "scriptlet",
          .stanzas =
              {
                  {.type = "scriptlet",
                   .parents = {""},
                   .naming = config::Naming::kOptional,
                   .help = "Runs Lua scripts; only one instance may be configured."},
                  {.type = "script",
                   .parents = {"scriptlet"},
                   .naming = config::Naming::kRequired,
                   .help = "One script to load."},
              },
          .tables = {scriptlet_table(), script_table()}};
}

}  // namespace impulse::scriptlet
