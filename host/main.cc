// The daemon's table of contents: read the arguments, read the configuration, serve.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "host/config/schema.h"
#include "host/daemon/arguments.h"
#include "host/daemon/configuration.h"
#include "host/daemon/daemon.h"
#include "host/module/loader.h"

namespace {

using namespace impulse;  // NOLINT: this file only calls the rooms
using daemon::Arguments;

/// The schema of all modules there are, or of the topics only.
Result<config::Schema> schema_for_manual(const Arguments& arguments, Loader& loader) {
  if (auto loaded = loader.load(loader.available()); !loaded) return loaded.error();
  const auto all = daemon::make_schema(loader);
  config::Schema chosen;
  for (config::SchemaPart part : all->parts()) {
    if (!arguments.topics.empty()) {
      auto is_other = [&](std::string_view name) {
        return std::find(arguments.topics.begin(), arguments.topics.end(), name) ==
               arguments.topics.end();
      };
      if (is_other(part.provider)) {
        std::erase_if(part.tables, [&](const auto& table) { return is_other(table.title); });
        std::erase_if(part.stanzas, [&](const auto& stanza) { return is_other(stanza.type); });
      }
      if (part.tables.empty() && part.stanzas.empty()) continue;
    }
    chosen.add(std::move(part));
  }
  if (chosen.parts().empty()) {
    return Error{ErrorCode::kNotFound, "no module or stanza has that name"};
  }
  return chosen;
}

int print_options(const Arguments& arguments, Loader& loader) {
  auto schema = schema_for_manual(arguments, loader);
  if (!schema) {
    std::cerr << "impulsed: " << schema.error().what << '\n';
    return 1;
  }
  std::cout << (arguments.is_roff ? config::options_roff(*schema)
                                  : config::options_markdown(*schema))
            << std::flush;
  return std::cout.good() ? 0 : 1;
}

int serve(const Arguments& arguments, Loader& loader) {
  const std::string file = std::filesystem::absolute(arguments.config_file).lexically_normal();
  auto read = daemon::read_configuration(file, loader, 1);
  for (const std::string& problem : read.problems) std::cerr << problem << '\n';
  const bool is_check = arguments.task == Arguments::Task::kCheck;
  if (read.generation == nullptr) {
    if (!is_check) std::cerr << "Global configuration error.\n";
    return 1;
  }
  if (is_check) {
    std::cout << "Configuration valid\n";
    return 0;
  }
  return daemon::Daemon(arguments, loader, std::move(read.generation)).run();
}

}  // namespace

int main(int argc, char** argv) {
  auto arguments = daemon::parse_arguments({argv + 1, argv + argc});
  if (!arguments) {
    std::cerr << "impulsed: " << arguments.error().what << '\n';
    return 1;
  }
  Loader loader(arguments->module_directory);
  switch (arguments->task) {
    case Arguments::Task::kHelp:
      std::cout << daemon::usage();
      return 0;
    case Arguments::Task::kVersion:
      std::cout << "impulsed " IMPULSE_VERSION "\n";
      return 0;
    case Arguments::Task::kOptions:
      return print_options(*arguments, loader);
    case Arguments::Task::kCheck:
    case Arguments::Task::kServe:
      return serve(*arguments, loader);
  }
  return 1;
}
