// The list of mechanisms, the names of failures and what all mechanisms share.
#include "modules/xmpp/sasl/mechanism.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "host/base/check.h"
#include "modules/xmpp/jid.h"
#include "modules/xmpp/prep.h"
#include "modules/xmpp/sasl/mechanisms.h"

namespace impulse::xmpp::sasl {
namespace {

// In the order of Failure.
constexpr std::array<std::string_view, 11> kFailures = {
    "aborted",
    "account-disabled",
    "credentials-expired",
    "encryption-required",
    "incorrect-encoding",
    "invalid-authzid",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "not-authorized",
    "temporary-auth-failure",
};
static_assert(kFailures.size() == static_cast<std::size_t>(Failure::kTemporaryAuthFailure) + 1);

struct ScramRow {
  std::string_view name;
  aaa::ScramHash hash;
  bool is_plus;
};
constexpr std::array<ScramRow, 4> kScram = {{
    {"SCRAM-SHA-256-PLUS", aaa::ScramHash::kSha256, true},
    {"SCRAM-SHA-1-PLUS", aaa::ScramHash::kSha1, true},
    {"SCRAM-SHA-256", aaa::ScramHash::kSha256, false},
    {"SCRAM-SHA-1", aaa::ScramHash::kSha1, false},
}};

const EVP_MD* algorithm(aaa::ScramHash hash) {
  return hash == aaa::ScramHash::kSha1 ? EVP_sha1() : EVP_sha256();
}

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string from_raw(const std::array<unsigned char, EVP_MAX_MD_SIZE>& bytes, unsigned size) {
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

}  // namespace

std::string_view name_of(Failure failure) { return kFailures[static_cast<std::size_t>(failure)]; }

std::vector<std::string> mechanisms(const Offer& offer) {
  std::vector<std::string> names;
  for (const ScramRow& row : kScram) {
    if (!row.is_plus || offer.channel_binding) names.emplace_back(row.name);
  }
  if (offer.plain) names.emplace_back("PLAIN");
  return names;
}

std::vector<std::string> channel_binding_types(bool is_tls13) {
  // RFC 9266: tls-unique has no meaning with TLS 1.3, tls-exporter is safe there without
  // conditions.
  if (is_tls13) return {"tls-exporter", "tls-server-end-point"};
  return {"tls-unique", "tls-server-end-point"};
}

std::unique_ptr<Mechanism> make_mechanism(std::string_view name, Context context) {
  for (const ScramRow& row : kScram) {
    if (row.name == name) return make_scram(row.hash, row.is_plus, std::move(context));
  }
  if (name == "PLAIN") return make_plain(std::move(context));
  return nullptr;
}

bool is_own_authzid(std::string_view authzid, std::string_view user, std::string_view domain) {
  if (authzid.empty()) return true;
  const auto asked = Jid::parse(authzid);
  const auto own = Jid::make(user, domain, {});
  return asked && own && *asked == *own;
}

std::string prepared_password(std::string_view password) {
  return prep::opaque_string(password).value_or(std::string(password));
}

std::string hmac(aaa::ScramHash hash, std::string_view key, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned size = 0;
  IMPULSE_CHECK(HMAC(algorithm(hash), key.data(), static_cast<int>(key.size()), raw(message),
                     message.size(), out.data(), &size) != nullptr);
  return from_raw(out, size);
}

std::string digest(aaa::ScramHash hash, std::string_view message) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out;
  unsigned size = 0;
  IMPULSE_CHECK(
      EVP_Digest(message.data(), message.size(), out.data(), &size, algorithm(hash), nullptr) == 1);
  return from_raw(out, size);
}

bool is_equal_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace impulse::xmpp::sasl
