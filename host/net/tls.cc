// TLS server contexts, kept as fresh as their files, and channel bindings.
#include "host/net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "host/base/log.h"

namespace impulse::net {
namespace {

log::Source net_log("net");

// Forward secrecy and authenticated encryption only (RFC 7525 section 4.2, RFC 9325).
constexpr const char* kDefaultCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr auto kCheckFilesEvery = std::chrono::seconds(1);

bool is_none(std::string_view path) { return path.empty() || path == "none"; }

// Empties OpenSSL's queue; the first entry is the cause.
std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  if (ERR_SYSTEM_ERROR(code)) {
    return std::generic_category().message(static_cast<int>(ERR_GET_REASON(code)));
  }
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "OpenSSL error " + std::to_string(code);
}

Error unusable(std::string_view option, const std::string& value, std::string_view remedy) {
  std::string what(option);
  what += " '" + value + "': " + openssl_reason() + "; ";
  what += remedy;
  return {ErrorCode::kInvalid, std::move(what)};
}

struct Versions {
  bool tls12 = false;
  bool tls13 = false;
};

Result<Versions> parse_protocols(const std::string& text) {
  Versions versions;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    std::string_view word = rest.substr(0, colon);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    if (word.empty()) continue;  // the original's manual also shows a leading colon
    const bool wanted = word.front() != '-';
    if (word.front() == '+' || word.front() == '-') word.remove_prefix(1);
    if (word == "ALL") {
      versions = {wanted, wanted};
    } else if (word == "TLSv1.2") {
      versions.tls12 = wanted;
    } else if (word == "TLSv1.3") {
      versions.tls13 = wanted;
    } else if (word != "SSLv2" && word != "SSLv3" && word != "TLSv1" && word != "TLSv1.0" &&
               word != "TLSv1.1") {
      return Error{ErrorCode::kInvalid, "tls_protocols '" + text + "': '" + std::string(word) +
                                            "' is no protocol; must be ALL, SSLv2, SSLv3, "
                                            "TLSv1.0, TLSv1.1, TLSv1.2 or TLSv1.3"};
    }
  }
  if (!versions.tls12 && !versions.tls13) {
    return Error{ErrorCode::kInvalid, "tls_protocols '" + text +
                                          "' leaves neither TLSv1.2 nor TLSv1.3; nothing older is "
                                          "ever offered"};
  }
  return versions;
}

// Nobody is there to type a passphrase; without this OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

// Failures are left to policy, which reads SSL_get_verify_result.
int accept_any_certificate(int, X509_STORE_CTX*) { return 1; }

// The protocol to select, in its wire form, lives in the SSL_CTX: connections keep that alive,
// not the TlsContext.
void free_alpn(void*, void* name, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<std::string*>(name);
}

int alpn_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, &free_alpn);
  return index;
}

int select_alpn(SSL* ssl, const unsigned char** out, unsigned char* out_length,
                const unsigned char* offered, unsigned offered_length, void*) {
  const auto* name =
      static_cast<const std::string*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), alpn_index()));
  for (unsigned i = 0; i < offered_length; i += offered[i] + 1U) {
    const std::string_view one(reinterpret_cast<const char*>(offered) + i + 1, offered[i]);
    if (name == nullptr || one != *name) continue;
    *out = offered + i + 1;
    *out_length = offered[i];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;  // no match: continue without
}

void set_defaults(SSL_CTX* context, const TlsOptions& options, Versions versions) {
  SSL_CTX_set_min_proto_version(context, versions.tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(context, versions.tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_options(context, options.allow_renegotiation ? SSL_OP_ALLOW_CLIENT_RENEGOTIATION
                                                           : SSL_OP_NO_RENEGOTIATION);
  // Idle connections hold no record buffers; output may move between attempts to write it.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // Resumption by ticket only: a cache of sessions would cost memory for every connection.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 1);
  constexpr std::string_view kSessionContext =
      "impulse";  // needed where certificates are asked for
  SSL_CTX_set_session_id_context(context,
                                 reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 static_cast<unsigned>(kSessionContext.size()));
  SSL_CTX_set_default_passwd_cb(context, &no_passphrase);
  SSL_CTX_set1_groups_list(context, kGroups);
  if (!options.alpn.empty()) {
    SSL_CTX_set_ex_data(context, alpn_index(), new std::string(options.alpn));
    SSL_CTX_set_alpn_select_cb(context, &select_alpn, nullptr);
  }
}

Result<void> load_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) != 1) {
    return unusable("tls_certificate", options.certificate,
                    "must be a readable PEM file that begins with the server's certificate");
  }
  const bool apart = !options.key.empty();
  const std::string& key = apart ? options.key : options.certificate;
  const std::string_view option = apart ? "tls_key" : "tls_certificate";
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return unusable(option, key,
                    "must hold the certificate's private key in PEM, without a passphrase");
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return unusable(option, key,
                    "must be the private key of the first certificate of tls_certificate");
  }
  return {};
}

Result<void> set_verification(SSL_CTX* context, const TlsOptions& options) {
  if (options.verify_mode == "none") return {};
  const int missing = options.verify_mode == "require" ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | missing, &accept_any_certificate);
  // Public CAs stopped issuing for clientAuth; other servers present what they have.
  SSL_CTX_set_purpose(context, X509_PURPOSE_ANY);
  if (is_none(options.client_ca)) {
    SSL_CTX_set_default_verify_paths(context);
    return {};
  }
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.client_ca.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, options.client_ca.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return unusable("tls_client_ca", options.client_ca,
                    "must be a readable PEM file of CA certificates");
  }
  SSL_CTX_set_client_CA_list(context, names);
  return {};
}

// What tells one version of a file from another.
struct Stamp {
  bool exists = false;
  ino_t inode = 0;
  off_t size = 0;
  time_t seconds = 0;
  long nanoseconds = 0;
  bool operator==(const Stamp&) const = default;
};

Stamp stamp_of(const std::string& path) {
  struct stat status = {};
  if (is_none(path) || ::stat(path.c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

using Stamps = std::array<Stamp, 3>;

Stamps stamps_of(const TlsOptions& options) {
  return {stamp_of(options.certificate), stamp_of(options.key), stamp_of(options.client_ca)};
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsOptions& options) {
  if (is_none(options.certificate)) {
    return Error{ErrorCode::kInvalid,
                 "tls_certificate is not set; must be the path of a PEM file to offer TLS"};
  }
  const auto versions = parse_protocols(options.protocols);
  if (!versions) return versions.error();

  ERR_clear_error();
  const std::shared_ptr<TlsContext> made(new TlsContext);
  made->options_ = options;
  made->context_ = SSL_CTX_new(TLS_server_method());
  if (made->context_ == nullptr) {
    return Error{ErrorCode::kUnavailable, "no TLS context can be made: " + openssl_reason()};
  }
  SSL_CTX* const context = made->context_;
  set_defaults(context, options, *versions);

  const bool own_list = !options.ciphers.empty() && options.ciphers != "DEFAULT";
  const char* ciphers = own_list ? options.ciphers.c_str() : kDefaultCiphers;
  if (SSL_CTX_set_cipher_list(context, ciphers) != 1) {
    return unusable("tls_ciphers", options.ciphers,
                    "must be an OpenSSL cipher list that leaves at least one cipher of TLS 1.2");
  }
  if (auto loaded = load_certificate(context, options); !loaded) return std::move(loaded).error();
  if (auto set = set_verification(context, options); !set) return std::move(set).error();
  return std::shared_ptr<const TlsContext>(made);
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

struct TlsContexts::Entry {
  std::shared_ptr<const TlsContext> context;  // owners: this, and whoever starts a handshake
  Stamps stamps;
  std::chrono::steady_clock::time_point checked;
};

TlsContexts::TlsContexts() = default;
TlsContexts::~TlsContexts() = default;

Result<std::shared_ptr<const TlsContext>> TlsContexts::get(const TlsOptions& options) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  auto& entry = entries_[options];
  if (entry != nullptr && now - entry->checked < kCheckFilesEvery) return entry->context;

  // Before reading: a file that changes meanwhile is then seen as changed the next time.
  const Stamps stamps = stamps_of(options);
  if (entry != nullptr) {
    entry->checked = now;
    if (entry->stamps == stamps) return entry->context;
    entry->stamps = stamps;
  }
  auto made = TlsContext::make(options);
  if (made) {
    if (entry == nullptr) entry = std::make_shared<Entry>();
    *entry = {*made, stamps, now};
    return entry->context;
  }
  if (entry == nullptr) {
    entries_.erase(options);
    return made;
  }
  LOG(net_log, kError, "tls_reload_failed", {"reason", made.error().what});
  return entry->context;
}

void TlsContexts::flush() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

std::string channel_binding_exporter(ssl_st* tls) {
  // RFC 9266 section 3: before TLS 1.3 only with the extended master secret.
  if (SSL_version(tls) < TLS1_3_VERSION && SSL_get_extms_support(tls) != 1) return {};
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::string binding(32, '\0');
  const unsigned char no_context = 0;
  if (SSL_export_keying_material(tls, reinterpret_cast<unsigned char*>(binding.data()),
                                 binding.size(), kLabel.data(), kLabel.size(), &no_context, 0,
                                 1) != 1) {
    ERR_clear_error();
    return {};
  }
  return binding;
}

std::string channel_binding_server_end_point(ssl_st* tls) {
  const X509* certificate = SSL_get_certificate(tls);
  int digest_nid = NID_undef;
  if (certificate == nullptr || X509_get_signature_info(const_cast<X509*>(certificate), &digest_nid,
                                                        nullptr, nullptr, nullptr) != 1) {
    return {};
  }
  // RFC 5929 section 4.1: MD5 and SHA-1 count as SHA-256; without one hash it is undefined.
  if (digest_nid == NID_md5 || digest_nid == NID_sha1) digest_nid = NID_sha256;
  const EVP_MD* digest = EVP_get_digestbynid(digest_nid);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (digest == nullptr || X509_digest(certificate, digest, hash, &length) != 1) {
    ERR_clear_error();
    return {};
  }
  return std::string(reinterpret_cast<const char*>(hash), length);
}

std::string channel_binding_unique(ssl_st* tls) {
  // Without the extended master secret it can be made equal on two connections (RFC 7627).
  if (SSL_version(tls) != TLS1_2_VERSION || SSL_get_extms_support(tls) != 1) return {};
  // RFC 5929 section 3.1: the first Finished, which is the server's when a session was resumed.
  unsigned char finished[EVP_MAX_MD_SIZE];
  const std::size_t length = SSL_session_reused(tls) != 0
                                 ? SSL_get_finished(tls, finished, sizeof finished)
                                 : SSL_get_peer_finished(tls, finished, sizeof finished);
  return std::string(reinterpret_cast<const char*>(finished), length);
}

}  // namespace impulse::net
