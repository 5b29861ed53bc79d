// Which value applies here: options resolved along a chain of scopes, the most specific first.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/option.h"
#include "host/config/tree.h"

namespace impulse::config {

/// Scopes to ask, the most specific first; the root last where global values count. Views into a
/// generation, which must outlive it.
using ScopeChain = std::vector<const Node*>;

/// Stanzas of `type` in `container` that match `address` ("192.0.2.7", "::1"), the most specific
/// network first. A Unix-socket client counts as 127.0.0.1.
std::vector<const Node*> match_cidr(const Node& container, std::string_view type,
                                    std::string_view address);

/// Stanzas of `type` in `container` that match the name: the literal one (any case), then each
/// "/pcre/" in order of declaration.
std::vector<const Node*> match_domain(const Node& container, std::string_view type,
                                      std::string_view name);

/// Fills a struct: each option from the first scope of the chain that sets it, else it keeps its
/// initialiser. Values were checked when the generation was built. Immutable inputs, any thread.
void resolve_into(const OptionTable& table, const ScopeChain& chain, void* opts);

template <class Opts>
Opts resolve(const OptionTable& table, const ScopeChain& chain) {
  Opts opts;
  resolve_into(table, chain, &opts);
  return opts;
}

/// Listener order, kept in this one place (reference 2.3): Listen::Peer (most specific CIDR
/// first), listener::Peer, Listen, listener, then the root.
/// `address` may be empty when no client is concerned (socket options).
ScopeChain listener_chain(const Node& listener, const Node* listen, std::string_view address);

}  // namespace impulse::config
