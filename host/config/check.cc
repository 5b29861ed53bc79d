// Schema::check: every mistake of a tree against the stanza types and option tables.
#include <algorithm>
#include <map>
#include <utility>

#include "host/base/text.h"
#include "host/config/network.h"
#include "host/config/option_value.h"
#include "host/config/pattern.h"
#include "host/config/schema.h"

namespace impulse::config {
namespace {

/// "the global scope" or the type, for sentences.
std::string scope_name(std::string_view type) {
  return type.empty() ? "the global scope" : std::string(type);
}

std::string scope_names(std::vector<std::string> names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// One walk over a tree. One at a time.
class Check {
 public:
  explicit Check(const Schema& schema) : schema_(schema) {}

  std::vector<Problem> run(const Node& root) {
    contents(root);
    in_file_order();
    return std::move(problems_);
  }

 private:
  void report(const Place& place, std::string text) {
    problems_.push_back({place, std::move(text)});
  }

  void contents(const Node& node) {
    file_rank_.emplace(node.place.file, file_rank_.size());
    const StanzaType* type = schema_.find_stanza(node.type);
    const bool is_free = type != nullptr && type->free_form;
    for (const Setting& setting : node.settings) {
      file_rank_.emplace(setting.place.file, file_rank_.size());
      if (!is_free) option(node, setting);
    }
    for (const auto& child : node.children) stanza(node, *child);
  }

  void option(const Node& node, const Setting& setting) {
    const auto rows = schema_.find_option(setting.key, scopes_);
    for (const OptionRow* row : rows) {
      const auto checked = row->check(setting.value);
      if (!checked) return report(setting.place, checked.error().what);
    }
    if (rows.empty()) misplaced_option(node, setting);
  }

  void misplaced_option(const Node& node, const Setting& setting) {
    const std::string found = setting.key + " = " + shown(setting.value);
    if (schema_.find_stanza(setting.key) != nullptr) {
      return report(setting.place,
                    found + ": " + setting.key + " is a stanza: write " + setting.key + " { ... }");
    }
    std::vector<std::string> places;
    for (const OptionRow* row : schema_.find_option(setting.key)) {
      for (std::string_view scope : row->scopes) {
        const std::string name = scope_name(scope);
        if (std::find(places.begin(), places.end(), name) == places.end()) places.push_back(name);
      }
    }
    if (!places.empty()) {
      return report(setting.place, found + ": stands in " + scope_name(node.type) +
                                       ", may stand in: " + scope_names(places));
    }
    report(setting.place, found + ": there is no such option in " + scope_name(node.type) +
                              text::did_you_mean(setting.key, schema_.words_in(scopes_)));
  }

  void stanza(const Node& parent, const Node& node) {
    const StanzaType* type = schema_.find_stanza(node.type);
    if (type == nullptr) return unknown_stanza(node);
    const bool may_stand =
        std::find(type->parents.begin(), type->parents.end(), parent.type) != type->parents.end();
    if (!may_stand) {
      std::vector<std::string> parents;
      for (std::string_view name : type->parents) parents.push_back(scope_name(name));
      report(node.place, node.title() + ": stands in " + scope_name(parent.type) +
                             ", may stand in: " + scope_names(parents));
    }
    name(*type, node);
    if (!type->after.empty() && parent.type.empty()) order(*type, parent, node);
    scopes_.push_back(node.type);
    contents(node);
    scopes_.pop_back();
  }

  void unknown_stanza(const Node& node) {
    if (!schema_.find_option(node.type).empty()) {
      return report(node.place, node.title() + " {: " + node.type + " is an option: write " +
                                    node.type + " = VALUE");
    }
    report(node.place, node.title() + " {: there is no such stanza, and no module of this name" +
                           text::did_you_mean(node.type, schema_.words_in(scopes_)));
  }

  void name(const StanzaType& type, const Node& node) {
    if (type.naming == Naming::kNone && !node.name.empty()) {
      report(node.place, node.title() + ": takes no name: write " + node.type + " { ... }");
    }
    if (type.naming == Naming::kRequired && node.name.empty()) {
      report(node.place, node.type + ": needs a name: write " + node.type + " \"NAME\" { ... }");
      return;
    }
    if (type.check_name != nullptr) {
      if (auto checked = type.check_name(node.name); !checked) {
        report(node.place, node.title() + ": " + checked.error().what);
      }
    }
    switch (type.matching) {
      case Matching::kLiteral:
        break;
      case Matching::kDomain:
        if (node.pattern != nullptr && !node.pattern->error().empty()) {
          report(node.place, node.title() + ": must be a regular expression between the slashes: " +
                                 node.pattern->error());
        }
        break;
      case Matching::kCidr:
        if (!Network::parse(node.name)) {
          report(node.place, node.title() +
                                 ": must be an IP address or network, such as \"192.0.2.7\", "
                                 "\"10.0.0.0/8\" or \"2001:db8::/32\"");
        }
        break;
    }
  }

  /// `type.after` must be opened earlier in the global scope.
  void order(const StanzaType& type, const Node& root, const Node& node) {
    for (const auto& other : root.children) {
      if (other.get() == &node) break;
      if (other->type == type.after) return;
    }
    const std::string needed = std::string(type.after) + " {}";
    const Node* later = root.child(type.after);
    report(node.place, node.title() + (later == nullptr ? " needs " : " stands before ") + needed +
                           (later == nullptr ? "" : " (" + later->place.text() + ")") + ": write " +
                           needed + " above it");
  }

  /// The tree has options before stanzas, and merged stanzas together; people read from the top.
  void in_file_order() {
    const auto rank = [this](const Problem& problem) {
      return std::pair(file_rank_[problem.place.file], problem.place.line);
    };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](const Problem& a, const Problem& b) { return rank(a) < rank(b); });
  }

  const Schema& schema_;
  std::vector<std::string_view> scopes_;  // types from the global scope to where we are
  std::map<std::string, std::size_t> file_rank_;
  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> Schema::check(const Node& root) const { return Check(*this).run(root); }

}  // namespace impulse::config
