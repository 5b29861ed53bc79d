// `config show` and `config eval`: a configuration as its readers see it.
#include "host/config/generation.h"

#include <algorithm>
#include <optional>
#include <span>

#include "host/base/check.h"
#include "host/base/text.h"
#include "host/config/option_value.h"
#include "host/config/scope.h"

namespace impulse::config {
namespace {

void print(const Node& node, int depth, std::string& out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  for (const Setting& setting : node.settings) {
    out += indent + setting.key + " = " + setting.value.text() + "\n";
  }
  for (const auto& child : node.children) {
    out += indent + child->title() + " {";
    if (!child->settings.empty() || !child->children.empty()) {
      out += "\n";
      print(*child, depth + 1, out);
      out += indent;
    }
    out += "}\n";
  }
}

void print_stanza(const Node& node, std::string& out) {
  out += node.title() + " {\n";
  print(node, 1, out);
  out += "}\n";
}

Error not_found(std::string what) { return Error{ErrorCode::kNotFound, std::move(what)}; }

/// One step of a path through scopes: a stanza's type and name ("" when it has none).
struct Step {
  const StanzaType* type = nullptr;
  std::string_view name;
};

/// What `config eval` was asked for. A view of the words.
struct QuestionView {
  std::vector<Step> path;
  std::vector<std::string_view> types;  ///< of the path
  std::string option;                   ///< lower case
};

std::string scope_name(const std::vector<std::string_view>& types) {
  return types.empty() ? "the global scope" : std::string(types.back());
}

/// Is `word` the name of an instance, where the name may be left out? A type that may stand inside
/// is none, unless an instance is called like that.
bool is_instance_name(const Generation& generation, const StanzaType& type, std::string_view word) {
  for (const Node* node : generation.root->all(type.type)) {
    if (node->instance() == word) return true;
  }
  const StanzaType* inner = generation.schema->find_stanza(text::lower(word));
  return inner == nullptr ||
         std::find(inner->parents.begin(), inner->parents.end(), type.type) == inner->parents.end();
}

Result<QuestionView> parse_question(const Generation& generation,
                                    const std::vector<std::string>& words) {
  if (words.empty()) {
    return Error{ErrorCode::kInvalid, "must be [TYPE [NAME]]... OPTION, as in: security user"};
  }
  QuestionView question;
  question.option = text::lower(words.back());
  const auto path = std::span(words).first(words.size() - 1);
  for (std::size_t i = 0; i < path.size(); ++i) {
    const StanzaType* type = generation.schema->find_stanza(text::lower(path[i]));
    const std::string_view outer = question.types.empty() ? "" : question.types.back();
    if (type == nullptr ||
        std::find(type->parents.begin(), type->parents.end(), outer) == type->parents.end()) {
      return not_found("there is no stanza " + text::quote(path[i]) + " in " +
                       scope_name(question.types) +
                       text::did_you_mean(path[i], generation.schema->words_in(question.types)));
    }
    const bool has_more = i + 1 < path.size();
    const bool takes_name =
        type->naming == Naming::kRequired || (type->naming == Naming::kOptional && has_more &&
                                              is_instance_name(generation, *type, path[i + 1]));
    if (takes_name && !has_more) {
      return Error{ErrorCode::kInvalid, std::string(type->type) + " must be followed by a name"};
    }
    question.path.push_back({type, takes_name ? std::string_view(path[++i]) : ""});
    question.types.push_back(type->type);
  }
  return question;
}

/// Stanzas of `container` that a step means, the most specific first.
std::vector<const Node*> stanzas_of(const Node& container, const Step& step) {
  switch (step.type->matching) {
    case Matching::kDomain:
      return match_domain(container, step.type->type, step.name);
    case Matching::kCidr:
      return match_cidr(container, step.type->type, step.name);
    case Matching::kLiteral:
      break;
  }
  const Node* node = container.child(step.type->type, step.name);
  return node == nullptr ? std::vector<const Node*>() : std::vector<const Node*>{node};
}

/// The scopes to ask, as the server itself asks them. Stanzas that do not exist are left out.
ScopeChain chain_of(const Node& root, const std::vector<Step>& path) {
  ScopeChain outer = {&root};
  const Node* listener = nullptr;
  const Node* listen = nullptr;
  std::string_view address;
  const Node* container = &root;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (container == nullptr) break;
    const std::vector<const Node*> nodes = stanzas_of(*container, path[i]);
    if (path[i].type->matching == Matching::kCidr) {
      address = path[i].name;
      continue;
    }
    listen = i == 1 && path[i].type->type == "listen" && !nodes.empty() ? nodes.front() : nullptr;
    if (i == 0) listener = nodes.empty() ? nullptr : nodes.front();
    // A Listen that does not exist still has the peers and options of its listener.
    if (nodes.empty()) {
      container = i == 0 ? nullptr : container;
      continue;
    }
    outer.insert(outer.begin(), nodes.begin(), nodes.end());
    container = nodes.front();
  }
  if (listener != nullptr && (listen != nullptr || !address.empty())) {
    return listener_chain(*listener, listen, address);
  }
  return outer;
}

}  // namespace

Result<std::string> show(const Generation& generation, const std::vector<std::string>& scope) {
  std::string out;
  if (scope.empty()) {
    print(*generation.root, 0, out);
    return out;
  }
  std::vector<const Node*> shown = {generation.root.get()};
  std::string place = "the global scope";
  for (std::size_t i = 0; i < scope.size(); ++i) {
    const std::string type = text::lower(scope[i]);
    std::vector<const Node*> found;
    std::vector<std::string_view> there;
    for (const Node* node : shown) {
      for (const auto& child : node->children) there.push_back(child->type);
      for (const Node* child : node->all(type)) found.push_back(child);
    }
    if (found.empty()) {
      return not_found("nothing is set for " + text::quote(scope[i]) + " in " + place +
                       text::did_you_mean(type, there));
    }
    const auto is_named = [&](const Node* node) { return node->instance() == scope[i + 1]; };
    if (i + 1 < scope.size() && std::any_of(found.begin(), found.end(), is_named)) {
      std::erase_if(found, [&](const Node* node) { return !is_named(node); });
      ++i;
    }
    place = found.size() == 1 ? found.front()->title() : type;
    shown = std::move(found);
  }
  for (const Node* node : shown) print_stanza(*node, out);
  return out;
}

Result<std::string> eval(const Generation& generation, const std::vector<std::string>& words) {
  IMPULSE_CHECK(generation.schema != nullptr);
  auto question = parse_question(generation, words);
  if (!question) return std::move(question).error();
  const ScopeChain chain = chain_of(*generation.root, question->path);
  // The row of the innermost scope that knows the option: the one that a module reads there.
  std::span<const std::string_view> scopes = question->types;
  auto rows = generation.schema->find_option(question->option, scopes);
  while (rows.empty() && !scopes.empty()) {
    scopes = scopes.first(scopes.size() - 1);
    rows = generation.schema->find_option(question->option, scopes);
  }
  if (rows.empty()) {
    return not_found(
        "there is no option " + text::quote(words.back()) + " in " + scope_name(question->types) +
        text::did_you_mean(question->option, generation.schema->words_in(question->types)));
  }
  const OptionRow& row = *rows.front();
  const std::string name(row.name);
  for (const Node* scope : chain) {
    const Setting* setting = may_stand_in(row.scopes, *scope) ? scope->find(row.name) : nullptr;
    if (setting == nullptr) continue;
    const bool is_string = row.type == "string" && setting->value.kind == Value::Kind::kScalar;
    return name + " = " + (is_string ? quoted(setting->value.scalar) : setting->value.text());
  }
  return name + " = " + row.default_text;
}

}  // namespace impulse::config
