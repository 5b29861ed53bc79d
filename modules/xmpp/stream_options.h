// What a listener decides for its streams, and the domains served: values that streams read.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/aaa/password_store.h"
#include "host/net/tls.h"
#include "modules/xmpp/parser.h"
#include "modules/xmpp/sasl/mechanism.h"

namespace impulse::xmpp {

/// Resolved once per connection from the listener's scopes. Immutable.
struct StreamOptions {
  std::shared_ptr<aaa::PasswordStore> passwords;
  net::TlsOptions tls;        ///< certificate "" = no STARTTLS
  bool direct_tls = false;    ///< TLS from the first byte
  bool tls_required = false;  ///< no authentication before STARTTLS
  bool allow_plain_without_tls = false;
  std::chrono::seconds idle_time{0};  ///< 0 = never
  std::chrono::seconds auth_timeout{60};
  ParserLimits limits_before{8 * 1024, 64, 128, 64};
  ParserLimits limits_after{256 * 1024, 65536, 128, 64};
  std::uint64_t output_limit = 4 * 1024 * 1024;
  std::uint32_t max_resources = 10;  ///< bound resources per account
  std::uint32_t max_failures = 5;    ///< failed authentications per connection
};

/// Domains by role. Immutable snapshot of one generation.
struct Domains {
  std::set<std::string, std::less<>> served;  ///< prepared names
  /// May stanzas go to this remote domain (XMPP_Role = "client")?
  std::function<bool(std::string_view)> may_reach;
};

}  // namespace impulse::xmpp
