// The configuration as a tree: stanzas and settings, each remembering its file and line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace impulse::config {

class Pattern;

/// Where something stands: "impulse.conf:12". Value; any thread.
struct Place {
  std::string file;
  int line = 0;
  std::string text() const;
};

/// What stands behind `key =`: a word or string, an array ( ... ) or a dictionary [ k = v ... ].
struct Value {
  enum class Kind { kScalar, kArray, kDictionary };
  Kind kind = Kind::kScalar;
  std::string scalar;                                        ///< kScalar: as written, unquoted
  std::vector<std::string> items;                            ///< kArray
  std::vector<std::pair<std::string, std::string>> entries;  ///< kDictionary: lower-case keys

  /// kDictionary: the value of `key` (any case), or nullptr. The last one written wins.
  const std::string* find(std::string_view key) const;
  /// In configuration syntax, quoted where it must be: 12, "a b", ( "x" "y" ), [ uri = "z" ].
  std::string text() const;
  bool operator==(const Value&) const = default;
};

/// In quotes and escaped such that the parser reads it back. A backslash is doubled only where it
/// would escape something, so that regular expressions print as they were written.
std::string quoted(std::string_view text);

/// One `key = value`. Keys are kept in lower case.
struct Setting {
  std::string key;
  Value value;
  Place place;
};

/// A stanza `type "name" { ... }` after merging: one Node per (type, name) within its parent.
/// Immutable once its generation is active.
struct Node {
  std::string type;  ///< lower case; "" for the root (global scope)
  std::string name;  ///< as written; "" when anonymous
  Place place;       ///< of the first opening
  Node* parent = nullptr;
  /// The name made ready when it is written as "/regex/", else nullptr.
  std::shared_ptr<const Pattern> pattern = nullptr;
  std::vector<Setting> settings;                ///< unique keys; the last one written won
  std::vector<std::unique_ptr<Node>> children;  ///< in the order of their first opening

  const Setting* find(std::string_view lower_case_key) const;
  /// Names are compared as written; "" and the type itself name the same stanza.
  const Node* child(std::string_view type, std::string_view name = {}) const;
  std::vector<const Node*> all(std::string_view type) const;
  /// The name, or the type where there is none: mail_logger {} is mail_logger "mail_logger" {}.
  std::string_view instance() const { return name.empty() ? type : name; }
  /// `type "name"` for messages, "global scope" for the root.
  std::string title() const;
};

}  // namespace impulse::config
