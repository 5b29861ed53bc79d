// The mechanisms there are, one maker for each, and what they share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "modules/xmpp/sasl/mechanism.h"

namespace impulse::xmpp::sasl {

/// No message of a client needs more.
inline constexpr std::size_t kMessageBytes = 4096;

std::unique_ptr<Mechanism> make_plain(Context context);
/// `server_nonce` is for tests with known answers; empty = a random one.
std::unique_ptr<Mechanism> make_scram(aaa::ScramHash hash, bool is_plus, Context context,
                                      std::string server_nonce = {});

/// May `authzid` be asked for by `user` (a prepared localpart)? Only as its own bare JID, or not at
/// all: acting as another is nobody's right here.
bool is_own_authzid(std::string_view authzid, std::string_view user, std::string_view domain);
/// The password as it is compared and derived from (OpaqueString), or as it is when it has no
/// prepared form.
std::string prepared_password(std::string_view password);

std::string hmac(aaa::ScramHash hash, std::string_view key, std::string_view message);
std::string digest(aaa::ScramHash hash, std::string_view message);
/// Constant time for texts of the same length.
bool is_equal_secret(std::string_view a, std::string_view b);

inline Step failure(Failure reason) { return {.kind = Step::Kind::kFailure, .failure = reason}; }
inline Step challenge(std::string data) {
  return {.kind = Step::Kind::kChallenge, .data = std::move(data)};
}

}  // namespace impulse::xmpp::sasl
