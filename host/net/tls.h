// TLS contexts from options, and what a finished handshake tells (channel binding, cipher).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "host/base/owned.h"
#include "host/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace impulse::net {

/// What makes one context differ from another (reference 4.1). Regular value.
struct TlsOptions {
  std::string certificate;  ///< PEM chain, may hold the key; "" or "none" = no TLS
  std::string key;          ///< PEM; "" = in the certificate file
  std::string ciphers;      ///< TLS 1.2 list; "" or "DEFAULT" = our default
  /// PEM; CAs accepted for client certificates. "" = those of the system, when any are asked for.
  std::string client_ca;
  std::string verify_mode = "none";  ///< "none", "require", else optional
  std::string protocols = "+ALL";    ///< "+ALL:-TLSv1.2"; TLS below 1.2 is never offered
  bool allow_renegotiation = false;
  std::string alpn;  ///< protocol to select when offered: "imap"
  auto operator<=>(const TlsOptions&) const = default;
};

/// A server context. Immutable after it was made; any thread.
///
/// A client certificate that does not verify never ends the handshake (a missing one does, with
/// "require"): SSL_get_verify_result tells, and policy decides (reference 4.2).
class TlsContext {
 public:
  /// Reads the files. The error names the option and the file.
  static Result<std::shared_ptr<const TlsContext>> make(const TlsOptions& options);
  ~TlsContext();
  ssl_ctx_st* raw() const { return context_; }
  const TlsOptions& options() const { return options_; }

 private:
  TlsContext() = default;
  ssl_ctx_st* context_ = nullptr;
  TlsOptions options_;
};

/// One context per distinct options, read anew when a certificate file has changed (checked at
/// most once a second). Files that changed into something unusable are logged
/// ("tls_reload_failed") and the old context stays. Any thread.
class TlsContexts {
 public:
  TlsContexts();
  ~TlsContexts();
  Result<std::shared_ptr<const TlsContext>> get(const TlsOptions& options);
  /// Forgets all; files are read at the next handshake.
  void flush();

 private:
  struct Entry;
  std::mutex mutex_;  // guards entries_
  std::map<TlsOptions, std::shared_ptr<Entry>> entries_;
};

/// Channel bindings of an established connection (RFC 5929, RFC 9266); empty when the type does
/// not apply. `tls` is the server side.
std::string channel_binding_exporter(ssl_st* tls);
std::string channel_binding_server_end_point(ssl_st* tls);
std::string channel_binding_unique(ssl_st* tls);  ///< TLS 1.2 only

}  // namespace impulse::net
