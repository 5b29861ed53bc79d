// The daemon's command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace impulse::daemon {

/// What the daemon was asked to do. Regular value.
struct Arguments {
  enum class Task { kServe, kCheck, kVersion, kHelp, kOptions };
  Task task = Task::kServe;
  std::string config_file;
  bool is_foreground = false;
  bool is_markdown = false;         ///< --options --markdown: all of docs/options.md
  bool is_roff = false;             ///< --options --roff: the option part of impulse.conf(5)
  std::vector<std::string> topics;  ///< --options NAME...: only these
  std::string module_directory;
  std::string scriptlet_directory;
};

/// Reads the words behind the program's name. The error names the word and what would be right.
Result<Arguments> parse_arguments(const std::vector<std::string>& words);

/// The text of --help.
std::string usage();

}  // namespace impulse::daemon
