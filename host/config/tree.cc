// The configuration as a tree: stanzas and settings, each remembering its file and line.
#include "host/config/tree.h"

#include <algorithm>

#include "host/base/text.h"

namespace impulse::config {
namespace {

/// May this stand in a file without quotes?
bool is_plain_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return text::is_letter(c) || text::is_digit(c) || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

std::string quoted(std::string_view word) {
  std::string out = "\"";
  for (std::size_t i = 0; i < word.size(); ++i) {
    const bool last = i + 1 == word.size();
    const bool escapes = word[i] == '\\' && (last || word[i + 1] == '\\' || word[i + 1] == '"');
    if (word[i] == '"' || escapes) out += '\\';
    out += word[i];
  }
  return out + '"';
}

std::string Place::text() const { return line > 0 ? file + ":" + std::to_string(line) : file; }

const std::string* Value::find(std::string_view key) const {
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (text::equal_any_case(entry->first, key)) return &entry->second;
  }
  return nullptr;
}

std::string Value::text() const {
  switch (kind) {
    case Kind::kScalar:
      return is_plain_word(scalar) ? scalar : quoted(scalar);
    case Kind::kArray: {
      if (items.empty()) return "()";
      std::string out = "(";
      for (const std::string& item : items) out += " " + quoted(item);
      return out + " )";
    }
    case Kind::kDictionary: {
      if (entries.empty()) return "[]";
      std::string out = "[";
      for (const auto& [key, value] : entries) {
        out += " " + (is_plain_word(key) ? key : quoted(key)) + " = " + quoted(value);
      }
      return out + " ]";
    }
  }
  return {};
}

const Setting* Node::find(std::string_view lower_case_key) const {
  for (const Setting& setting : settings) {
    if (setting.key == lower_case_key) return &setting;
  }
  return nullptr;
}

const Node* Node::child(std::string_view wanted_type, std::string_view wanted_name) const {
  const bool is_default = wanted_name.empty() || text::equal_any_case(wanted_name, wanted_type);
  for (const auto& node : children) {
    if (node->type != wanted_type) continue;
    if (node->name == wanted_name) return node.get();
    if (is_default && text::equal_any_case(node->instance(), wanted_type)) return node.get();
  }
  return nullptr;
}

std::vector<const Node*> Node::all(std::string_view wanted_type) const {
  std::vector<const Node*> found;
  for (const auto& node : children) {
    if (node->type == wanted_type) found.push_back(node.get());
  }
  return found;
}

std::string Node::title() const {
  if (type.empty()) return "global scope";
  return name.empty() ? type : type + " " + quoted(name);
}

}  // namespace impulse::config
