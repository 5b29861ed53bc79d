// Options of xmpp_listener in its scopes: sockets, and the streams accepted on them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/config/generation.h"
#include "host/config/option.h"
#include "host/config/schema.h"
#include "host/net/listener.h"
#include "modules/xmpp/api.h"

namespace impulse::xmpp_listener {

/// What stands in xmpp_listener and Listen, for the listening socket itself.
struct ListenOptions {
  bool enable = true;
  std::uint32_t listen_backlog = 500;
  config::Mode file_mode{0660};
  bool disable_nagle_algorithm = false;
  std::uint32_t tcp_recv_buffer_size = 0;
  std::uint32_t tcp_send_buffer_size = 0;
};

/// What may differ from peer to peer.
struct PeerOptions {
  config::Dictionary authplainparameters;
  config::Seconds idle_time{0};
  config::Seconds auth_timeout{60};
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ciphers;
  std::string tls_client_ca;
  std::string tls_verify_mode = "none";
  std::string tls_protocols = "+ALL";
  bool tls_allow_renegotiation = false;
  bool tls_required = false;
  bool use_ssl = false;
  bool allow_plain_without_tls = false;
  config::Bytes max_stanza_bytes{256 * 1024};
  config::Bytes max_stanza_bytes_unauthenticated{8 * 1024};
  std::uint32_t max_stanza_elements = 65536;
  std::uint32_t max_stanza_elements_unauthenticated = 64;
  std::uint32_t max_stanza_depth = 128;
  std::uint32_t max_stanza_attributes = 64;
  config::Bytes max_output_bytes{4 * 1024 * 1024};
  std::uint32_t max_resources = 10;
  std::uint32_t max_auth_failures = 5;
};

config::SchemaPart schema();
const config::OptionTable& listen_table();
const config::OptionTable& peer_table();

net::SocketOptions socket_options(const ListenOptions& options);

/// What streams read, with their password store found and their certificate read once, so that a
/// mistake is told now and not at the first login.
Result<std::shared_ptr<const xmpp::StreamOptions>> stream_options(Host& host,
                                                                  const PeerOptions& options);

}  // namespace impulse::xmpp_listener
