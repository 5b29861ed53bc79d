// What a stream keeps only until a resource is bound.
#pragma once

#include <memory>
#include <string>

#include "modules/xmpp/sasl/mechanism.h"

namespace impulse::xmpp {

/// State of authentication; freed when the stream is bound, so that idle sessions stay small.
struct Negotiation {
  std::string domain;                          ///< the served domain that the header named
  std::string user;                            ///< prepared localpart once authenticated
  std::unique_ptr<sasl::Mechanism> mechanism;  ///< the exchange under way
  unsigned failures = 0;
};

}  // namespace impulse::xmpp
