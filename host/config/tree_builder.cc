// TreeBuilder: a tree while it is read: merges what is written twice, collects the mistakes.
#include "host/config/tree_builder.h"

#include <utility>

#include "host/base/text.h"
#include "host/config/pattern.h"

namespace impulse::config {
namespace {

constexpr std::size_t kMostProblems = 100;

// COMPAT(original, 3.6): words with two spellings in its manual. The tree keeps one, so that
// nobody else has to know.
constexpr std::pair<std::string_view, std::string_view> kStanzaSpellings[] = {
    {"event_loop", "eventloop"}, {"debugflags", "debug_flags"}};
constexpr std::pair<std::string_view, std::string_view> kGlobalSpellings[] = {
    {"pidfile", "pid_file"}};

template <std::size_t N>
std::string canonical(std::string_view word,
                      const std::pair<std::string_view, std::string_view> (&spellings)[N]) {
  std::string lower = text::lower(word);
  for (const auto& [other, ours] : spellings) {
    if (lower == other) return std::string(ours);
  }
  return lower;
}

}  // namespace

TreeBuilder::TreeBuilder(Place place) : root_(std::make_unique<Node>()) {
  root_->place = std::move(place);
}

Node& TreeBuilder::open(Node& parent, std::string_view type, std::string name, Place place) {
  const std::string kind = canonical(type, kStanzaSpellings);
  const bool is_default = name.empty() || text::equal_any_case(name, kind);
  // No type holds a space, so type and name cannot run together.
  Node*& node = index_[&parent].children[kind + ' ' + (is_default ? "" : name)];
  if (node == nullptr) {
    auto made = std::make_unique<Node>();
    made->type = kind;
    made->place = std::move(place);
    made->parent = &parent;
    if (Pattern::is_pattern(name)) made->pattern = Pattern::make(name);
    made->name = std::move(name);
    node = made.get();
    parent.children.push_back(std::move(made));
  }
  return *node;
}

void TreeBuilder::set(Node& node, std::string_view key, Value value, Place place) {
  std::string name = &node == root_.get() ? canonical(key, kGlobalSpellings) : text::lower(key);
  const auto [at, is_new] = index_[&node].settings.try_emplace(name, node.settings.size());
  if (is_new) {
    node.settings.push_back({std::move(name), std::move(value), std::move(place)});
  } else {
    Setting& setting = node.settings[at->second];
    setting.value = std::move(value);
    setting.place = std::move(place);
  }
}

Node& TreeBuilder::discarded() {
  Node& node = *discarded_.emplace_back(std::make_unique<Node>());
  node.type = "stanza";
  return node;
}

void TreeBuilder::report(Place place, std::string text) {
  if (problems_.size() > kMostProblems) return;
  if (problems_.size() == kMostProblems) text = "too many mistakes: the rest is not shown";
  problems_.push_back({std::move(place), std::move(text)});
}

}  // namespace impulse::config
