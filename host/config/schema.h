// The schema: which stanza may stand where, with which options; checks a tree against it.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/base/result.h"
#include "host/config/option.h"
#include "host/config/tree.h"

namespace impulse::config {

/// How the instances of a stanza type are told apart.
enum class Naming {
  kNone,      ///< a singleton without a name: security {}
  kRequired,  ///< script "name" {}
  kOptional,  ///< mail_logger {} is mail_logger "mail_logger" {}
};

/// How an instance is found for a subject (Momentum: "matched" scopes).
enum class Matching {
  kLiteral,  ///< by name
  kDomain,   ///< literal without regard to case, then "/pcre/" stanzas in order of declaration
  kCidr,     ///< the most specific network that holds the address, then the wider ones
};

/// One stanza type.
struct StanzaType {
  std::string_view type;                  ///< lower case
  std::vector<std::string_view> parents;  ///< types it may stand in; "" = global scope
  Naming naming = Naming::kNone;
  Matching matching = Matching::kLiteral;
  bool free_form = false;  ///< any option may stand here, unchecked
  std::string_view help;   ///< one sentence
  /// Type of stanza that must stand earlier in the global scope, "" = none (mail before
  /// mail_listener).
  std::string_view after = {};
  /// Checks an instance's name where matching alone does not; the error says what would be right.
  Result<void> (*check_name)(std::string_view name) = nullptr;
};

/// What a module (or the host) adds to the language.
struct SchemaPart {
  std::string_view provider;  ///< module name, or "host"
  std::vector<StanzaType> stanzas;
  std::vector<OptionTable> tables;
};

/// One mistake found: where, what, what would be right.
struct Problem {
  Place place;
  std::string text;
  std::string line() const;  ///< "impulse.conf:12: idle_time = -1: must be 0 to 86400 (seconds)"
};

/// All parts together. Built by the module loader before a tree is checked; one at a time, and
/// immutable from then on.
class Schema {
 public:
  Schema() = default;
  Schema(Schema&&) = default;
  Schema& operator=(Schema&&) = default;

  /// Several parts may declare the same stanza type: it may then stand in the parents of all.
  void add(SchemaPart part);
  const std::vector<SchemaPart>& parts() const { return parts_; }
  const StanzaType* find_stanza(std::string_view type) const;
  /// All stanza types, each once, in the order of their first declaration.
  const std::vector<std::unique_ptr<StanzaType>>& stanzas() const { return stanzas_; }
  /// The rows that rule an option in the innermost of these scopes (types from the global scope
  /// inwards, without the ""); of the rows that may stand there those with the closest scopes: a
  /// "listen" of the table for control_listener, not of another listener's. Empty = not allowed.
  std::vector<const OptionRow*> find_option(std::string_view name,
                                            std::span<const std::string_view> scopes) const;
  /// All rows of this name, wherever they may stand.
  std::vector<const OptionRow*> find_option(std::string_view name) const;
  /// Names of the options (and stanzas) that may stand in this innermost scope, for "did you mean".
  std::vector<std::string_view> words_in(std::span<const std::string_view> scopes) const;
  /// Checks the whole tree: unknown stanza or option (with "did you mean"), wrong scope, wrong
  /// type, out of range, missing or forbidden names, order. All problems, in file order.
  std::vector<Problem> check(const Node& root) const;

 private:
  std::vector<SchemaPart> parts_;
  std::vector<std::unique_ptr<StanzaType>> stanzas_;  // united; found by type in stanza_index_
  std::unordered_map<std::string_view, StanzaType*> stanza_index_;
  // Points into parts_, whose tables never change once they are there.
  std::unordered_map<std::string_view, std::vector<const OptionRow*>> options_;
};

/// The option tables as Markdown for docs/options.md, and as roff for the manual page.
std::string options_markdown(const Schema& schema);
std::string options_roff(const Schema& schema);

}  // namespace impulse::config
