// What a stream offers at each stage of its negotiation (RFC 6120 section 4.3.2).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "modules/xmpp/sasl/mechanism.h"
#include "modules/xmpp/stream_options.h"

struct ssl_st;

namespace impulse::xmpp {

/// Appends the starttls feature where it applies.
void write_starttls(std::string& out, bool is_tls, const StreamOptions& options);
/// Appends the mechanisms and, under TLS, the channel binding types (XEP-0440). Empty offers
/// write nothing. `tls` may be nullptr.
void write_mechanisms(std::string& out, const std::vector<std::string>& mechanisms, ssl_st* tls);
/// Appends bind, the optional session, and "name namespace" pairs that scripts announced.
void write_bound_features(std::string& out, const std::vector<std::string>& features,
                          std::uint32_t stanza_bytes);

}  // namespace impulse::xmpp
