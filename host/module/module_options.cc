// The table of options that all modules have, and their effect.
#include "host/module/module_options.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "host/base/log.h"
#include "host/config/option_table.h"
#include "host/config/scope.h"

namespace impulse {

namespace {

struct ModuleOptions {
  bool enabled = true;
  std::string debug_level = "ERROR";
};

constexpr std::string_view kLevels[] = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"};

/// The rows for one module. Scopes are views, so each module's name is kept with its table.
struct Common {
  explicit Common(std::string_view module) : name{module} {
    const config::Option<ModuleOptions> rows[] = {
        {"enabled", &ModuleOptions::enabled, name,
         "Whether the module takes part; false = loaded, but it does nothing by itself."},
        {"debug_level",
         &ModuleOptions::debug_level,
         name,
         "Lowest severity that the module writes to the server's log.",
         {},
         config::Apply::kLive,
         kLevels},
    };
    table = config::make_table(module, rows);
  }
  std::string_view name[1];
  config::OptionTable table;
};

const config::OptionTable& common_table(std::string_view module) {
  // Filled by the main thread as modules are loaded; never shrinks, for others hold views.
  static std::map<std::string, std::unique_ptr<Common>, std::less<>> tables;
  auto at = tables.find(module);
  if (at == tables.end()) {
    at = tables.emplace(module, nullptr).first;
    at->second = std::make_unique<Common>(at->first);
  }
  return at->second->table;
}

bool declares(const config::SchemaPart& part, std::string_view option, std::string_view scope) {
  for (const config::OptionTable& table : part.tables) {
    for (const config::OptionRow& row : table.rows) {
      if (row.name != option) continue;
      if (std::find(row.scopes.begin(), row.scopes.end(), scope) != row.scopes.end()) return true;
    }
  }
  return false;
}

}  // namespace

config::SchemaPart schema_of(const ModuleDescriptor& descriptor) {
  config::SchemaPart part;
  if (descriptor.schema != nullptr) part = descriptor.schema();
  const std::string_view name = descriptor.name;
  part.provider = name;
  const bool has_stanza = std::any_of(part.stanzas.begin(), part.stanzas.end(),
                                      [&](const auto& stanza) { return stanza.type == name; });
  if (!has_stanza) {
    part.stanzas.push_back(
        {.type = name,
         .parents = {""},
         .naming = descriptor.singleton ? config::Naming::kNone : config::Naming::kOptional,
         .help = descriptor.summary == nullptr ? "" : descriptor.summary});
  }
  config::OptionTable table = common_table(name);
  std::erase_if(table.rows,
                [&](const config::OptionRow& row) { return declares(part, row.name, name); });
  if (!table.rows.empty()) part.tables.push_back(std::move(table));
  return part;
}

void apply_debug_levels(const Loader& loader, const config::Generation& generation) {
  for (const auto& loaded : loader.modules()) {
    const std::string_view name = loaded->descriptor->name;
    log::Level lowest = log::Level::kCritical;
    const auto stanzas = generation.root->all(name);
    for (const config::Node* stanza : stanzas) {
      const auto options = config::resolve<ModuleOptions>(common_table(name), {stanza});
      if (auto level = log::parse_level(options.debug_level)) lowest = std::min(lowest, *level);
    }
    // A module need not log; then there is nothing to set.
    static_cast<void>(log::set_threshold(name, stanzas.empty() ? log::Level::kError : lowest));
  }
}

bool is_enabled(const config::Node& stanza) {
  return config::resolve<ModuleOptions>(common_table(stanza.type), {&stanza}).enabled;
}

}  // namespace impulse
