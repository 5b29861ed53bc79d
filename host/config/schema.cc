// The schema: which stanza may stand where, with which options.
#include "host/config/schema.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/base/text.h"

namespace impulse::config {
namespace {

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// How well a row's scopes fit the place given by the types around it, 0 = it may not stand there.
/// Each type that the row names counts, and the pair "parent::type" more than all of them.
std::size_t closeness(Scopes row, std::span<const std::string_view> scopes) {
  constexpr std::size_t kPair = 1000;
  if (scopes.empty()) return contains(row, "") ? 1 : 0;
  std::string pair(scopes.back());
  if (scopes.size() > 1) pair = std::string(scopes[scopes.size() - 2]) + "::" + pair;
  const bool has_pair = scopes.size() > 1 && contains(row, pair);
  if (!has_pair && !contains(row, scopes.back())) return 0;
  std::size_t points = has_pair ? kPair : 0;
  for (std::string_view scope : scopes) points += contains(row, scope) ? 1 : 0;
  return points;
}

void unite(StanzaType& ours, const StanzaType& more) {
  // Two parts that see one type differently would each check for something else.
  IMPULSE_CHECK(ours.naming == more.naming && ours.matching == more.matching);
  for (std::string_view parent : more.parents) {
    if (!contains(ours.parents, parent)) ours.parents.push_back(parent);
  }
  ours.free_form = ours.free_form || more.free_form;
  if (ours.help.empty()) ours.help = more.help;
  if (ours.after.empty()) ours.after = more.after;
  if (ours.check_name == nullptr) ours.check_name = more.check_name;
}

}  // namespace

std::string Problem::line() const {
  const std::string where = place.text();
  return where.empty() ? text : where + ": " + text;
}

bool may_stand_in(Scopes scopes, const Node& node) {
  if (contains(scopes, node.type)) return true;
  if (node.parent == nullptr || node.parent->type.empty()) return false;
  return contains(scopes, node.parent->type + "::" + node.type);
}

void Schema::add(SchemaPart part) {
  parts_.push_back(std::move(part));
  for (const StanzaType& stanza : parts_.back().stanzas) {
    StanzaType*& known = stanza_index_[stanza.type];
    if (known == nullptr) {
      known = stanzas_.emplace_back(std::make_unique<StanzaType>(stanza)).get();
    } else {
      unite(*known, stanza);
    }
  }
  for (const OptionTable& table : parts_.back().tables) {
    for (const OptionRow& row : table.rows) options_[row.name].push_back(&row);
  }
}

const StanzaType* Schema::find_stanza(std::string_view type) const {
  const auto at = stanza_index_.find(type);
  return at == stanza_index_.end() ? nullptr : at->second;
}

std::vector<const OptionRow*> Schema::find_option(std::string_view name) const {
  const auto at = options_.find(name);
  return at == options_.end() ? std::vector<const OptionRow*>() : at->second;
}

std::vector<const OptionRow*> Schema::find_option(std::string_view name,
                                                  std::span<const std::string_view> scopes) const {
  std::vector<const OptionRow*> closest;
  std::size_t most = 1;
  for (const OptionRow* row : find_option(name)) {
    const std::size_t points = closeness(row->scopes, scopes);
    if (points < most) continue;
    if (points > most) closest.clear();
    most = points;
    closest.push_back(row);
  }
  return closest;
}

std::vector<std::string_view> Schema::words_in(std::span<const std::string_view> scopes) const {
  std::vector<std::string_view> words;
  for (const auto& [name, rows] : options_) {
    const bool fits = std::any_of(rows.begin(), rows.end(), [&](const OptionRow* row) {
      return closeness(row->scopes, scopes) > 0;
    });
    if (fits) words.push_back(name);
  }
  const std::string_view innermost = scopes.empty() ? "" : scopes.back();
  for (const auto& stanza : stanzas_) {
    if (contains(stanza->parents, innermost)) words.push_back(stanza->type);
  }
  // The map's order is arbitrary; equally good hints must come out the same each time.
  std::sort(words.begin(), words.end());
  return words;
}

}  // namespace impulse::config
