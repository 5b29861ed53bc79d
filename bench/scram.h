// The client's side of SASL: SCRAM-SHA-1 (RFC 5802) and PLAIN (RFC 4616).
#pragma once

#include <string>
#include <string_view>

namespace impulse::bench {

/// The base64 payload of PLAIN.
std::string plain_response(std::string_view user, std::string_view password);

/// One SCRAM-SHA-1 exchange without channel binding.
///
/// Salted passwords are kept for the life of the process, since PBKDF2 would otherwise make the
/// client the bottleneck. The server's signature is not checked. Thread: owner only.
class ScramClient {
 public:
  ScramClient(std::string_view user, std::string_view password);

  /// The first message, in base64.
  std::string first() const;

  /// The final message, in base64, for the server's `challenge` (base64).
  /// Throws std::runtime_error when the challenge makes no sense.
  std::string answer(std::string_view challenge) const;

 private:
  std::string password_;
  std::string first_bare_;
};

}  // namespace impulse::bench
