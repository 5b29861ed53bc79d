// Stream options by peer address.
#include "modules/xmpp_listener/endpoint.h"

#include <utility>

#include "host/aaa/password_store.h"
#include "host/host.h"
#include "modules/xmpp_listener/module_log.h"

namespace impulse::xmpp_listener {

namespace {

/// The first address of a network: stands for its clients when a Peer stanza is checked.
std::string address_in(std::string_view network) {
  return std::string(network.substr(0, network.find('/')));
}

}  // namespace

Result<std::shared_ptr<const Endpoint>> Endpoint::make(
    Host& host, std::shared_ptr<const config::Generation> generation, const config::Node& listener,
    const config::Node& listen) {
  std::shared_ptr<Endpoint> made(new Endpoint(host, std::move(generation), listener, listen));
  auto resolve = [&](std::string_view address) {
    return stream_options(
        host, config::resolve<PeerOptions>(peer_table(),
                                           config::listener_chain(listener, &listen, address)));
  };
  auto in_place = [](Error error, const config::Node& node) {
    return std::move(error).in(node.place.text() + ": " + node.title());
  };
  auto for_all = resolve({});
  if (!for_all) return in_place(std::move(for_all).error(), listen);
  made->for_all_ = std::move(*for_all);
  for (const config::Node* container : {&listener, &listen}) {
    for (const config::Node* peer : container->all("peer")) {
      made->has_peers_ = true;
      auto for_peer = resolve(address_in(peer->name));
      if (!for_peer) return in_place(std::move(for_peer).error(), *peer);
      made->for_peers_.push_back(std::move(*for_peer));
    }
  }
  return std::shared_ptr<const Endpoint>(std::move(made));
}

std::shared_ptr<const xmpp::StreamOptions> Endpoint::options_for(
    const std::string& peer_host) const {
  if (!has_peers_) return for_all_;
  auto options = stream_options(
      host_, config::resolve<PeerOptions>(peer_table(),
                                          config::listener_chain(listener_, &listen_, peer_host)));
  if (options) return std::move(*options);
  LOG(module_log(), kError, "peer_not_served", {"listen", listen_.name}, {"peer", peer_host},
      {"error", options.error().what});
  return nullptr;
}

std::vector<std::shared_ptr<aaa::PasswordStore>> Endpoint::password_stores() const {
  std::vector<std::shared_ptr<aaa::PasswordStore>> stores = {for_all_->passwords};
  for (const auto& options : for_peers_) stores.push_back(options->passwords);
  return stores;
}

}  // namespace impulse::xmpp_listener
