// The option tables of xmpp_listener, and stream options made from them.
#include "modules/xmpp_listener/options.h"

#include <utility>

#include "host/aaa/password_store.h"
#include "host/config/option_table.h"
#include "host/host.h"
#include "host/net/tls.h"

namespace impulse::xmpp_listener {

namespace {

constexpr std::string_view kSocket[] = {"xmpp_listener", "listen"};
constexpr std::string_view kSocketOrGlobal[] = {"", "xmpp_listener", "listen"};
constexpr std::string_view kPeer[] = {"xmpp_listener", "listen", "peer"};
constexpr std::string_view kPeerOrGlobal[] = {"", "xmpp_listener", "listen", "peer"};
constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kMegabyte = 1024 * 1024;

constexpr config::Option<ListenOptions> kListenOptions[] = {
    {.name = "enable",
     .member = &ListenOptions::enable,
     .scopes = kSocket,
     .help = "False: this endpoint is not opened, or closed at the next reload."},
    {.name = "listen_backlog",
     .member = &ListenOptions::listen_backlog,
     .scopes = kSocket,
     .help = "Connections the kernel may queue before they are accepted.",
     .range = {1, 65'535}},
    {.name = "file_mode",
     .member = &ListenOptions::file_mode,
     .scopes = kSocket,
     .help = "Permission bits of a Unix-domain endpoint; no effect on TCP.",
     .range = {0, 0777}},
    {.name = "disable_nagle_algorithm",
     .member = &ListenOptions::disable_nagle_algorithm,
     .scopes = kSocketOrGlobal,
     .help = "Sets TCP_NODELAY on accepted connections."},
    {.name = "tcp_recv_buffer_size",
     .member = &ListenOptions::tcp_recv_buffer_size,
     .scopes = kSocket,
     .help = "SO_RCVBUF of accepted connections in bytes; 0 leaves it to the system.",
     .range = {0, 16 * kMegabyte}},
    {.name = "tcp_send_buffer_size",
     .member = &ListenOptions::tcp_send_buffer_size,
     .scopes = kSocket,
     .help = "SO_SNDBUF of accepted connections in bytes; 0 leaves it to the system.",
     .range = {0, 16 * kMegabyte}},
};

constexpr config::Option<PeerOptions> kPeerOptions[] = {
    {.name = "authplainparameters",
     .member = &PeerOptions::authplainparameters,
     .scopes = kPeer,
     .help =
         "Where passwords are: [ uri = \"file:///path\" ] or [ uri = \"account://datasource\" ]; "
         "SCRAM is computed from either, PLAIN is offered under TLS."},
    {.name = "idle_time",
     .member = &PeerOptions::idle_time,
     .scopes = kPeer,
     .help = "Seconds without a byte from the client after which the stream is closed; 0 = never.",
     .range = {0, kDay}},
    {.name = "auth_timeout",
     .member = &PeerOptions::auth_timeout,
     .scopes = kPeer,
     .help = "Seconds from accepting a connection to its bound resource.",
     .range = {1, 3600}},
    {.name = "tls_certificate",
     .member = &PeerOptions::tls_certificate,
     .scopes = kPeerOrGlobal,
     .help =
         "PEM file of the certificate chain, and of the key unless tls_key names another; empty "
         "or none: no TLS."},
    {.name = "tls_key",
     .member = &PeerOptions::tls_key,
     .scopes = kPeerOrGlobal,
     .help = "PEM file of the private key; empty: it is in the certificate file."},
    {.name = "tls_ciphers",
     .member = &PeerOptions::tls_ciphers,
     .scopes = kPeerOrGlobal,
     .help = "OpenSSL cipher list for TLS 1.2; empty or DEFAULT: forward secrecy with AEAD only."},
    {.name = "tls_client_ca",
     .member = &PeerOptions::tls_client_ca,
     .scopes = kPeerOrGlobal,
     .help = "PEM file of authorities accepted for client certificates."},
    {.name = "tls_verify_mode",
     .member = &PeerOptions::tls_verify_mode,
     .scopes = kPeer,
     .help =
         "none: no client certificate is asked for; require: one must come; anything else: it is "
         "verified when it comes."},
    {.name = "tls_protocols",
     .member = &PeerOptions::tls_protocols,
     .scopes = kPeerOrGlobal,
     .help = "Protocol versions, as in +ALL:-TLSv1.2; below TLSv1.2 nothing is offered."},
    {.name = "tls_allow_renegotiation",
     .member = &PeerOptions::tls_allow_renegotiation,
     .scopes = kPeer,
     .help = "True lets clients renegotiate TLS 1.2, which costs us more than them."},
    {.name = "tls_required",
     .member = &PeerOptions::tls_required,
     .scopes = kPeer,
     .help = "True: nobody authenticates before STARTTLS."},
    {.name = "use_ssl",
     .member = &PeerOptions::use_ssl,
     .scopes = kPeer,
     .help = "True: TLS from the first byte (XEP-0368) instead of STARTTLS."},
    {.name = "allow_plain_without_tls",
     .member = &PeerOptions::allow_plain_without_tls,
     .scopes = kPeer,
     .help = "True offers PLAIN on unencrypted streams: passwords can be read on the way."},
    {.name = "max_stanza_bytes",
     .member = &PeerOptions::max_stanza_bytes,
     .scopes = kPeer,
     .help = "Largest stanza of an authenticated client; RFC 6120 section 13.12 asks for at least "
             "10000.",
     .range = {10'000, 64 * kMegabyte}},
    {.name = "max_stanza_bytes_unauthenticated",
     .member = &PeerOptions::max_stanza_bytes_unauthenticated,
     .scopes = kPeer,
     .help = "Largest element before authentication.",
     .range = {1024, kMegabyte}},
    {.name = "max_stanza_elements",
     .member = &PeerOptions::max_stanza_elements,
     .scopes = kPeer,
     .help = "Most elements in a stanza of an authenticated client.",
     .range = {16, 1'000'000}},
    {.name = "max_stanza_elements_unauthenticated",
     .member = &PeerOptions::max_stanza_elements_unauthenticated,
     .scopes = kPeer,
     .help = "Most elements in a first-level element before authentication.",
     .range = {8, 10'000}},
    {.name = "max_stanza_depth",
     .member = &PeerOptions::max_stanza_depth,
     .scopes = kPeer,
     .help = "Deepest nesting of elements in a stanza.",
     .range = {8, 1024}},
    {.name = "max_stanza_attributes",
     .member = &PeerOptions::max_stanza_attributes,
     .scopes = kPeer,
     .help = "Most attributes of one element.",
     .range = {8, 1024}},
    {.name = "max_output_bytes",
     .member = &PeerOptions::max_output_bytes,
     .scopes = kPeer,
     .help = "Output that may wait for a client that does not read; past it the stream is closed.",
     .range = {64 * 1024, 1024 * kMegabyte}},
    {.name = "max_resources",
     .member = &PeerOptions::max_resources,
     .scopes = kPeer,
     .help = "Bound resources per account.",
     .range = {1, 1000}},
    {.name = "max_auth_failures",
     .member = &PeerOptions::max_auth_failures,
     .scopes = kPeer,
     .help = "Failed authentications after which the stream is closed.",
     .range = {1, 100}},
};

constexpr std::string_view kNoTls = "none";

Result<void> check_listen_name(std::string_view name) {
  auto address = net::Address::parse_listen(name);
  if (!address) return std::move(address).error();
  return {};
}

}  // namespace

const config::OptionTable& listen_table() {
  static const config::OptionTable kTable = config::make_table("xmpp_listener", kListenOptions);
  return kTable;
}

const config::OptionTable& peer_table() {
  static const config::OptionTable kTable = config::make_table("xmpp_listener", kPeerOptions);
  return kTable;
}

config::SchemaPart schema() {
  return {
      .provider = "xmpp_listener",
      .stanzas = {{.type = "xmpp_listener",
                   .parents = {""},
                   .naming = config::Naming::kNone,
                   .help = "Endpoints for XMPP streams, and what holds for them.",
                   .after = "xmpp"},
                  {.type = "listen",
                   .parents = {"xmpp_listener"},
                   .naming = config::Naming::kRequired,
                   .help = "One endpoint: \"*:5222\", \"[::]:5222\", \"192.0.2.1:5222\" or a path.",
                   .check_name = &check_listen_name},
                  {.type = "peer",
                   .parents = {"xmpp_listener", "listen"},
                   .naming = config::Naming::kRequired,
                   .matching = config::Matching::kCidr,
                   .help = "What holds for clients of one network; the most specific one wins."}},
      .tables = {listen_table(), peer_table()}};
}

net::SocketOptions socket_options(const ListenOptions& options) {
  return {.backlog = static_cast<int>(options.listen_backlog),
          .file_mode = options.file_mode.bits,
          .disable_nagle = options.disable_nagle_algorithm,
          .receive_buffer = static_cast<int>(options.tcp_recv_buffer_size),
          .send_buffer = static_cast<int>(options.tcp_send_buffer_size)};
}

Result<std::shared_ptr<const xmpp::StreamOptions>> stream_options(Host& host,
                                                                  const PeerOptions& options) {
  auto made = std::make_shared<xmpp::StreamOptions>();
  const auto uri = options.authplainparameters.find("uri");
  if (uri == options.authplainparameters.end()) {
    return Error{ErrorCode::kInvalid,
                 "AuthPlainParameters is missing: write AuthPlainParameters = [ uri = "
                 "\"file:///path/of/users\" ] or [ uri = \"account://impulse\" ]"};
  }
  Result<std::shared_ptr<aaa::PasswordStore>> store = host.passwords.get(uri->second);
  if (!store) return std::move(store).error().in("AuthPlainParameters");
  made->passwords = std::move(*store);
  if (!options.tls_certificate.empty() && options.tls_certificate != kNoTls) {
    made->tls = {.certificate = options.tls_certificate,
                 .key = options.tls_key,
                 .ciphers = options.tls_ciphers,
                 .client_ca = options.tls_client_ca,
                 .verify_mode = options.tls_verify_mode,
                 .protocols = options.tls_protocols,
                 .allow_renegotiation = options.tls_allow_renegotiation,
                 .alpn = "xmpp-client"};
    auto context = host.tls.get(made->tls);
    if (!context) return std::move(context).error();
  } else if (options.use_ssl || options.tls_required) {
    return Error{ErrorCode::kInvalid,
                 "TLS is asked for but there is no certificate: set tls_certificate"};
  }
  made->direct_tls = options.use_ssl;
  made->tls_required = options.tls_required;
  made->allow_plain_without_tls = options.allow_plain_without_tls;
  made->idle_time = options.idle_time;
  made->auth_timeout = options.auth_timeout;
  made->limits_before = {static_cast<std::uint32_t>(options.max_stanza_bytes_unauthenticated.count),
                         options.max_stanza_elements_unauthenticated, options.max_stanza_depth,
                         options.max_stanza_attributes};
  made->limits_after = {static_cast<std::uint32_t>(options.max_stanza_bytes.count),
                        options.max_stanza_elements, options.max_stanza_depth,
                        options.max_stanza_attributes};
  made->output_limit = options.max_output_bytes.count;
  made->max_resources = options.max_resources;
  made->max_failures = options.max_auth_failures;
  return std::shared_ptr<const xmpp::StreamOptions>(std::move(made));
}

}  // namespace impulse::xmpp_listener
