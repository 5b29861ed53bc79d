// Reading the daemon's command line from one table of switches.
#include "host/daemon/arguments.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace impulse::daemon {

namespace {

using Task = Arguments::Task;

/// One switch. `value` is what --help calls its value; nullptr when it takes none.
struct Switch {
  std::string_view name;
  std::string_view letter;
  const char* value;
  std::string_view help;
  void (*apply)(Arguments&, std::string value);
};

constexpr std::array kSwitches = {
    Switch{"--config", "-c", "FILE", "configuration to read (default " IMPULSE_CONFIG_FILE ")",
           [](Arguments& a, std::string v) { a.config_file = std::move(v); }},
    Switch{"--foreground", "-d", nullptr, "stay in the foreground",
           [](Arguments& a, std::string) { a.is_foreground = true; }},
    Switch{"--check", "", nullptr, "check the configuration, tell every mistake, exit",
           [](Arguments& a, std::string) { a.task = Task::kCheck; }},
    Switch{"--options", "", nullptr, "describe the options (of the stanzas named behind it), exit",
           [](Arguments& a, std::string) { a.task = Task::kOptions; }},
    Switch{"--markdown", "", nullptr, "with --options: all, as Markdown",
           [](Arguments& a, std::string) { a.is_markdown = true; }},
    Switch{"--roff", "", nullptr, "with --options: all, as a part of a manual page",
           [](Arguments& a, std::string) { a.is_roff = true; }},
    Switch{"--modules", "", "DIR", "where modules are (default " IMPULSE_MODULE_DIRECTORY ")",
           [](Arguments& a, std::string v) { a.module_directory = std::move(v); }},
    Switch{"--scriptlets", "", "DIR",
           "where our scriptlets are (default " IMPULSE_SCRIPTLET_DIRECTORY ")",
           [](Arguments& a, std::string v) { a.scriptlet_directory = std::move(v); }},
    Switch{"--version", "-V", nullptr, "print the version, exit",
           [](Arguments& a, std::string) { a.task = Task::kVersion; }},
    Switch{"--help", "-h", nullptr, "print this, exit",
           [](Arguments& a, std::string) { a.task = Task::kHelp; }},
};

/// Where `configured` is now: an installation may have been moved as a whole, so its directories
/// are looked for from where this program is.
std::string relocated(const std::string& configured) {
  std::error_code failed;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return configured;
  const auto way = std::filesystem::path(configured).lexically_relative(IMPULSE_PROGRAM_DIRECTORY);
  const auto there = (program.parent_path() / way).lexically_normal();
  return std::filesystem::is_directory(there, failed) ? there.string() : configured;
}

const Switch* find_switch(std::string_view word) {
  for (const Switch& s : kSwitches) {
    if (word == s.name || (!s.letter.empty() && word == s.letter)) return &s;
  }
  return nullptr;
}

}  // namespace

Result<Arguments> parse_arguments(const std::vector<std::string>& words) {
  Arguments arguments{.config_file = IMPULSE_CONFIG_FILE,
                      .topics = {},
                      .module_directory = relocated(IMPULSE_MODULE_DIRECTORY),
                      .scriptlet_directory = relocated(IMPULSE_SCRIPTLET_DIRECTORY)};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("-")) {
      if (arguments.task != Task::kOptions) {
        return Error{ErrorCode::kInvalid, "'" + word + "' is not a switch; try --help"};
      }
      arguments.topics.push_back(word);
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string name = word.substr(0, equals);
    const Switch* found = find_switch(name);
    if (found == nullptr) {
      return Error{ErrorCode::kInvalid, "there is no switch " + name + "; try --help"};
    }
    std::string value;
    if (found->value != nullptr) {
      if (equals != std::string::npos) {
        value = word.substr(equals + 1);
      } else if (i + 1 < words.size()) {
        value = words[++i];
      }
      if (value.empty()) {
        return Error{ErrorCode::kInvalid, name + " needs a value: " + name + " " + found->value};
      }
    } else if (equals != std::string::npos) {
      return Error{ErrorCode::kInvalid, name + " takes no value"};
    }
    found->apply(arguments, std::move(value));
  }
  return arguments;
}

std::string usage() {
  std::string text = "Usage: impulsed [SWITCH]...\nServes what its configuration says.\n\n";
  for (const Switch& s : kSwitches) {
    std::string left = "  " + std::string(s.name);
    if (s.value != nullptr) left.append(" ").append(s.value);
    if (!s.letter.empty()) left.append(", ").append(s.letter);
    left.resize(std::max<std::size_t>(left.size() + 2, 24), ' ');
    text += left.append(s.help).append("\n");
  }
  return text;
}

}  // namespace impulse::daemon
