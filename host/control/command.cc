// Finding the command that was typed, and running it.
#include "host/control/command.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"

namespace impulse::control {

namespace {

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (end > start) words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// How many single-letter edits make one of the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row[b.size()];
}

bool is_near(const Command& command, const std::vector<std::string>& typed) {
  const std::vector<std::string> words = split(command.words);
  if (words.front() == typed.front()) return true;
  constexpr std::size_t kLongestCompared = 64;
  const std::vector<std::string> head(
      typed.begin(),
      typed.begin() + static_cast<std::ptrdiff_t>(std::min(typed.size(), words.size())));
  const std::string text = join(head);
  return text.size() <= kLongestCompared && distance(text, command.words) <= 2;
}

}  // namespace

Registration CommandTable::add(Command command) {
  IMPULSE_CHECK(!split(command.words).empty() && command.run);
  commands_.push_back(std::make_unique<Command>(std::move(command)));
  return Registration([this, added = commands_.back().get()] {
    std::erase_if(commands_, [added](const auto& c) { return c.get() == added; });
  });
}

CommandTable::Match CommandTable::match(const std::vector<std::string>& words) const {
  Match best;
  for (const auto& command : commands_) {
    const std::vector<std::string> own = split(command->words);
    if (own.size() <= best.words || own.size() > words.size()) continue;
    if (std::equal(own.begin(), own.end(), words.begin())) best = {command.get(), own.size()};
  }
  return best;
}

Error CommandTable::unknown(const std::vector<std::string>& words) const {
  if (words.empty()) return Error{ErrorCode::kNotFound, "no command was given; try \"help\""};
  std::string near;
  for (const Command* command : sorted()) {
    if (is_near(*command, words)) near += (near.empty() ? "\"" : ", \"") + command->words + "\"";
  }
  return Error{ErrorCode::kNotFound,
               "unknown command \"" + join(words) + "\"; " +
                   (near.empty() ? "\"help\" lists all commands" : "did you mean " + near + "?")};
}

void CommandTable::run(std::vector<std::string> words, std::string input, Reply reply) {
  const Match found = match(words);
  if (found.command == nullptr) return reply(unknown(words));
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(found.words));
  // A copy: a command may change this table (a reload brings and removes modules).
  const auto handler = found.command->run;
  handler(Request{std::move(words), std::move(input)}, std::move(reply));
}

std::vector<const Command*> CommandTable::sorted() const {
  std::vector<const Command*> all;
  for (const auto& command : commands_) all.push_back(command.get());
  std::sort(all.begin(), all.end(),
            [](const Command* a, const Command* b) { return a->words < b->words; });
  return all;
}

}  // namespace impulse::control
