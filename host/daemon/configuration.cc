// Reading and checking a configuration; comparing two of them.
#include "host/daemon/configuration.h"

#include <algorithm>
#include <utility>

#include "host/config/parser.h"
#include "host/daemon/core_settings.h"
#include "host/module/module_options.h"

namespace impulse::daemon {

namespace {

void add_once(std::vector<std::string>& names, std::string name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

/// The modules that this tree asks for. What is neither a module nor the host's is left to the
/// schema to complain about, which knows the place and what is near.
std::vector<std::string> wanted_modules(const config::Node& root, const Loader& loader) {
  std::vector<std::string> stanzas;
  for (const auto& node : root.children) {
    if (loader.exists(node->type)) add_once(stanzas, node->type);
  }
  std::vector<std::string> names;
  const CoreSettings core = read_core(root);
  for (const DatasourceSetting& source : core.datasources) {
    for (const std::string& uri : source.uris) add_once(names, driver_module(uri));
  }
  // Without a Datasource stanza there is the embedded database, for whom it may concern.
  if (core.datasources.empty() && !stanzas.empty() && loader.exists("ds_sqlite")) {
    add_once(names, "ds_sqlite");
  }
  for (std::string& name : stanzas) add_once(names, std::move(name));
  return names;
}

void append_lines(std::vector<std::string>& lines, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string value_text(const config::Node* node, const config::OptionRow& row) {
  const config::Setting* setting = node == nullptr ? nullptr : node->find(row.name);
  return setting == nullptr ? std::string(row.default_text) : setting->value.text();
}

void compare(const config::Schema& schema, const config::Node& before, const config::Node& after,
             std::vector<std::string>& changed) {
  for (const config::SchemaPart& part : schema.parts()) {
    for (const config::OptionTable& table : part.tables) {
      for (const config::OptionRow& row : table.rows) {
        if (row.apply != config::Apply::kRestart || !config::may_stand_in(row.scopes, after))
          continue;
        if (value_text(&before, row) == value_text(&after, row)) continue;
        changed.push_back(after.title() + ": " + std::string(row.name));
      }
    }
  }
  for (const auto& child : after.children) {
    // What is new starts with its own values; there is nothing to restart for.
    if (const config::Node* old = before.child(child->type, child->name)) {
      compare(schema, *old, *child, changed);
    }
  }
}

}  // namespace

std::shared_ptr<const config::Schema> make_schema(const Loader& loader) {
  auto schema = std::make_shared<config::Schema>();
  schema->add(config::core_schema());
  for (const auto& loaded : loader.modules()) schema->add(schema_of(*loaded->descriptor));
  return schema;
}

ReadConfiguration read_configuration(const std::string& file, Loader& loader,
                                     std::uint64_t number) {
  ReadConfiguration read;
  config::Parsed parsed = config::parse_file(file);
  for (const config::Problem& problem : parsed.problems) read.problems.push_back(problem.line());
  if (parsed.root == nullptr) return read;
  auto generation = std::make_shared<config::Generation>();
  generation->number = number;
  generation->file = file;
  if (auto loaded = loader.load(wanted_modules(*parsed.root, loader)); !loaded) {
    append_lines(read.problems, loaded.error().what);
    return read;
  }
  generation->schema = make_schema(loader);
  for (const config::Problem& problem : generation->schema->check(*parsed.root)) {
    read.problems.push_back(problem.line());
  }
  generation->root = std::move(parsed.root);
  if (read.problems.empty()) read.generation = std::move(generation);
  return read;
}

std::vector<std::string> changed_until_restart(const config::Generation& before,
                                               const config::Generation& after) {
  std::vector<std::string> changed;
  compare(*after.schema, *before.root, *after.root, changed);
  return changed;
}

}  // namespace impulse::daemon
