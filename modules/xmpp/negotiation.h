// What a stream keeps only until a resource is bound.
#pragma once

#include <memory>
#include <string>

#include "modules/xmpp/jid.h"
#include "modules/xmpp/sasl/mechanism.h"
#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

/// State of authentication; freed when the stream is bound, so that idle sessions stay small.
struct Negotiation {
  std::string domain;                          ///< the served domain that the header named
  std::string user;                            ///< prepared localpart once authenticated
  std::unique_ptr<sasl::Mechanism> mechanism;  ///< the exchange under way
  unsigned failures = 0;
};

/// The answer to something that is not a stanza that may be processed; an empty document when it
/// must not be answered (RFC 6120 section 8.3.1).
Document answer_bad_stanza(const BadStanza& bad, const Jid& sender);

}  // namespace impulse::xmpp
