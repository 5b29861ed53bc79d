// One Listen stanza of one generation: which stream options hold for which peer.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/config/generation.h"
#include "host/config/scope.h"
#include "modules/xmpp_listener/options.h"

namespace impulse::xmpp_listener {

/// Immutable after make(); any thread.
class Endpoint {
 public:
  /// Checks every combination that a peer can meet: with no Peer stanza, and with each of them.
  static Result<std::shared_ptr<const Endpoint>> make(
      Host& host, std::shared_ptr<const config::Generation> generation,
      const config::Node& listener, const config::Node& listen);

  /// For a client of this address; nullptr when it cannot be served (logged).
  std::shared_ptr<const xmpp::StreamOptions> options_for(const std::string& peer_host) const;
  /// Every password store that a client of this endpoint may meet.
  std::vector<std::shared_ptr<aaa::PasswordStore>> password_stores() const;

 private:
  Endpoint(Host& host, std::shared_ptr<const config::Generation> generation,
           const config::Node& listener, const config::Node& listen)
      : host_(host), generation_(std::move(generation)), listener_(listener), listen_(listen) {}
  Host& host_;
  std::shared_ptr<const config::Generation> generation_;  // owner of the two nodes
  const config::Node& listener_;
  const config::Node& listen_;
  bool has_peers_ = false;
  /// Without Peer stanzas one value serves all clients.
  std::shared_ptr<const xmpp::StreamOptions> for_all_;
  std::vector<std::shared_ptr<const xmpp::StreamOptions>> for_peers_;
};

}  // namespace impulse::xmpp_listener
