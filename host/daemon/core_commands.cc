// The handlers of the host's own console commands.
#include "host/daemon/core_commands.h"

#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/daemon/daemon.h"
#include "host/module/module_options.h"

namespace impulse::daemon {

namespace {

using control::Command;
using control::Reply;
using control::Request;

Error too_many(std::string_view right) {
  return Error{ErrorCode::kInvalid, "too many words; what would be right: " + std::string(right)};
}

/// One line: "config reload [FILE]  Reads ...".
std::string help_line(const Command& command) {
  std::string line = command.words;
  if (!command.arguments.empty()) line += " " + command.arguments;
  line.resize(std::max<std::size_t>(line.size() + 2, 34), ' ');
  return line + command.help + "\n";
}

Result<std::string> help(const control::CommandTable& commands, const Request& request) {
  std::string prefix;
  for (const std::string& word : request.arguments) prefix += (prefix.empty() ? "" : " ") + word;
  std::string text;
  for (const Command* command : commands.sorted()) {
    if (command->words.starts_with(prefix)) text += help_line(*command);
  }
  if (!text.empty()) return text;
  return Error{ErrorCode::kNotFound,
               "no command begins with \"" + prefix + "\"; \"help\" lists all commands"};
}

Result<std::string> check(Daemon& daemon, const Request& request) {
  if (request.arguments.size() > 1) return too_many("config check [FILE]");
  const std::string file =
      request.arguments.empty() ? daemon.generation()->file : request.arguments.front();
  // Modules that only this file names are loaded too; they stay unstarted until a reload.
  auto read = read_configuration(file, daemon.loader(), daemon.generation()->number + 1);
  if (read.generation != nullptr) return std::string("Configuration valid\n");
  std::string lines;
  for (const std::string& problem : read.problems) lines += problem + "\n";
  return Error{ErrorCode::kInvalid, lines};
}

void describe(std::string& text, const ModuleDescriptor& descriptor, const config::Node* stanza) {
  const std::string name = descriptor.name;
  std::string instance;
  if (!descriptor.singleton) instance = stanza->name.empty() ? name : stanza->name;
  text += "Module: " + name + (instance.empty() ? "" : ":" + instance) + "\n";
  text += "  Scope_Name: " + name + "\n";
  if (!instance.empty()) text += "  Instance_Name: " + instance + "\n";
  const bool enabled = stanza == nullptr || is_enabled(*stanza);
  text += std::string("  Enabled: ") + (enabled ? "enabled" : "disabled") + "\n";
  text += std::string("  API: ") + (descriptor.singleton ? "Singleton" : "Generic") + "\n";
  text += "  Name: " + name + "\n";
  text += "  Description: " + std::string(descriptor.summary == nullptr ? "" : descriptor.summary) +
          "\n";
}

std::string list_modules(Daemon& daemon) {
  std::string text;
  for (const auto& loaded : daemon.loader().modules()) {
    if (loaded->module == nullptr) continue;
    const auto stanzas = daemon.generation()->root->all(loaded->descriptor->name);
    if (stanzas.empty() && loaded->descriptor->singleton) {
      describe(text, *loaded->descriptor, nullptr);
    }
    for (const config::Node* stanza : stanzas) describe(text, *loaded->descriptor, stanza);
  }
  return text;
}

std::string summarise(Daemon& daemon) {
  std::string text = "Version: " IMPULSE_VERSION "\n";
  auto line = [&text](std::string_view name, const std::string& value) {
    text.append(name).append(": ").append(value).append("\n");
  };
  line("Process", std::to_string(::getpid()));
  line("Uptime", std::to_string(daemon.uptime().count()) + " seconds");
  line("Configuration", daemon.generation()->file + " (generation " +
                            std::to_string(daemon.generation()->number) + ")");
  line("Event loops", std::to_string(daemon.rooms().loops.size()));
  line("Modules", std::to_string(daemon.loader().modules().size()));
  for (const net::Listener* listener : daemon.rooms().listeners.all()) {
    line("Listening", listener->name());
  }
  for (const std::string& path : daemon.rooms().control.paths()) line("Console", path);
  return text;
}

/// A command that answers at once.
template <class Answer>
std::function<void(Request, Reply)> now(Answer answer) {
  return [answer = std::move(answer)](Request request, Reply reply) { reply(answer(request)); };
}

/// Answers when every loop works with the new configuration.
void reload(Daemon& daemon, const Request& request, Reply reply) {
  if (request.arguments.size() > 1) return reply(too_many("config reload [FILE]"));
  auto done = daemon.reload(request.arguments.empty() ? "" : request.arguments.front());
  if (!done) return reply(std::move(done));
  daemon.rooms().loops.when_caught_up(
      [done = std::move(done), reply = std::move(reply)]() mutable { reply(std::move(done)); });
}

}  // namespace

void add_core_commands(Daemon& daemon, Registrations& registrations) {
  control::CommandTable& table = daemon.rooms().commands;
  auto add = [&](std::string words, std::string arguments, std::string text,
                 std::function<Result<std::string>(const Request&)> answer) {
    registrations.push_back(table.add({.words = std::move(words),
                                       .arguments = std::move(arguments),
                                       .help = std::move(text),
                                       .run = now(std::move(answer))}));
  };
  add("version", "", "Prints the version.",
      [](const Request&) { return std::string("impulse " IMPULSE_VERSION "\n"); });
  add("help", "[WORDS]", "Lists the commands that begin with WORDS.",
      [&](const Request& request) { return help(table, request); });
  add("summary", "", "Tells what is running.", [&](const Request&) { return summarise(daemon); });
  add("config check", "[FILE]", "Checks a configuration without using it.",
      [&](const Request& request) { return check(daemon, request); });
  registrations.push_back(
      table.add({.words = "config reload",
                 .arguments = "[FILE]",
                 .help = "Reads the configuration and puts it into effect as a whole.",
                 .run = [&daemon](Request request, Reply reply) {
                   reload(daemon, request, std::move(reply));
                 }}));
  add("config show", "[TYPE [NAME]]", "Prints the configuration, or a part of it.",
      [&](const Request& request) {
        return config::show(*daemon.generation(), request.arguments);
      });
  add("config eval", "[TYPE [NAME]]... OPTION", "Prints the value that applies there.",
      [&](const Request& request) {
        return config::eval(*daemon.generation(), request.arguments);
      });
  add("module list", "", "Lists the modules and their instances.",
      [&](const Request&) { return list_modules(daemon); });
  add("reopen logs", "", "Opens all log files anew, after they were moved away.",
      [&](const Request&) -> Result<std::string> {
        if (auto reopened = daemon.reopen_logs(); !reopened) return reopened.error();
        return std::string("Logs reopened.\n");
      });
  add("shutdown", "", "Says good-bye to all sessions and ends the server.", [&](const Request&) {
    daemon.shut_down();
    return std::string("Shutting down.\n");
  });
}

}  // namespace impulse::daemon
