// A console command as a table row: its words, its help, its handler.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/function.h"
#include "host/base/result.h"
#include "host/module/hook.h"

namespace impulse::control {

/// One invocation. The handler answers exactly once, now or later, from any thread.
struct Request {
  std::vector<std::string> arguments;  ///< the words behind the command's own
  std::string input;                   ///< what came on standard input (passwords)
};
using Reply = UniqueFunction<void(Result<std::string>)>;

/// `words` "user add" are matched as a prefix of what was typed; the longest match wins.
struct Command {
  std::string words;
  std::string arguments;                    ///< for help: "JID"
  std::string help;                         ///< one sentence with a full stop
  bool reads_input = false;                 ///< the client sends its standard input along
  std::function<void(Request, Reply)> run;  ///< called on the main loop
  /// What a person is asked for when standard input is a terminal: "Password". It is not echoed.
  std::string input_prompt = {};
};

/// All commands. Main thread.
class CommandTable {
 public:
  [[nodiscard]] Registration add(Command command);
  /// Finds and runs; an unknown command answers kNotFound with what is near.
  void run(std::vector<std::string> words, std::string input, Reply reply);
  std::vector<const Command*> sorted() const;

  /// The command with the most words that begin what was typed, and how many those are.
  struct Match {
    const Command* command = nullptr;
    std::size_t words = 0;
  };
  Match match(const std::vector<std::string>& words) const;
  /// kNotFound, naming what is near.
  Error unknown(const std::vector<std::string>& words) const;

 private:
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace impulse::control
