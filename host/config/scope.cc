// Which value applies here: options resolved along a chain of scopes, the most specific first.
#include "host/config/scope.h"

#include <algorithm>

#include "host/base/text.h"
#include "host/config/network.h"
#include "host/config/pattern.h"

namespace impulse::config {
namespace {

struct Match {
  int prefix;
  const Node* node;
};

}  // namespace

std::vector<const Node*> match_cidr(const Node& container, std::string_view type,
                                    std::string_view address) {
  const bool is_unix = address.starts_with('/') || address.starts_with('@');
  const auto wanted = Network::parse(is_unix ? "127.0.0.1" : address);
  if (!wanted) return {};
  std::vector<Match> matches;
  // From the back, so that of two ways to write one network the later one is asked first: the last
  // setting wins.
  for (auto child = container.children.rbegin(); child != container.children.rend(); ++child) {
    if ((*child)->type != type) continue;
    const auto network = Network::parse((*child)->name);
    if (network && network->holds(*wanted)) matches.push_back({network->prefix(), child->get()});
  }
  std::stable_sort(matches.begin(), matches.end(),
                   [](const Match& a, const Match& b) { return a.prefix > b.prefix; });
  std::vector<const Node*> nodes;
  nodes.reserve(matches.size());
  for (const Match& match : matches) nodes.push_back(match.node);
  return nodes;
}

std::vector<const Node*> match_domain(const Node& container, std::string_view type,
                                      std::string_view name) {
  std::vector<const Node*> nodes;
  // "A" and "a" are two stanzas of one domain; as above the later one is asked first.
  for (auto child = container.children.rbegin(); child != container.children.rend(); ++child) {
    const Node& node = **child;
    if (node.type == type && text::equal_any_case(node.instance(), name)) nodes.push_back(&node);
  }
  for (const auto& child : container.children) {
    const bool is_literal = child->pattern == nullptr || child->type != type;
    if (!is_literal && child->pattern->matches(name)) nodes.push_back(child.get());
  }
  return nodes;
}

void resolve_into(const OptionTable& table, const ScopeChain& chain, void* opts) {
  for (const OptionRow& row : table.rows) {
    for (const Node* scope : chain) {
      if (!may_stand_in(row.scopes, *scope)) continue;
      const Setting* setting = scope->find(row.name);
      if (setting == nullptr) continue;
      row.store(opts, setting->value);
      break;
    }
  }
}

ScopeChain listener_chain(const Node& listener, const Node* listen, std::string_view address) {
  ScopeChain chain;
  if (listen != nullptr) chain = match_cidr(*listen, "peer", address);
  const auto peers = match_cidr(listener, "peer", address);
  chain.insert(chain.end(), peers.begin(), peers.end());
  if (listen != nullptr) chain.push_back(listen);
  chain.push_back(&listener);
  for (const Node* outer = listener.parent; outer != nullptr; outer = outer->parent) {
    chain.push_back(outer);
  }
  return chain;
}

}  // namespace impulse::config
