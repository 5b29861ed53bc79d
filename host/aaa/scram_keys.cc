// SCRAM keys: from a password to what is stored of it, and back to "is it this one?".
// @rfc 5802 3 complete
// @rfc 7677 3 complete
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <limits>

#include "host/aaa/password_store.h"
#include "host/base/check.h"

namespace impulse::aaa {
namespace {

using Digest = std::array<unsigned char, EVP_MAX_MD_SIZE>;

const EVP_MD* message_digest(ScramHash hash) {
  switch (hash) {
    case ScramHash::kSha1:
      return EVP_sha1();
    case ScramHash::kSha256:
      return EVP_sha256();
  }
  IMPULSE_CHECK(false);
}

/// OpenSSL takes a null pointer of an empty text for "not given".
const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.empty() ? "" : text.data());
}

std::string hmac(const EVP_MD* digest, const Digest& key, std::size_t size, std::string_view text) {
  std::string out(size, '\0');
  unsigned int written = 0;
  IMPULSE_CHECK(HMAC(digest, key.data(), static_cast<int>(size), bytes_of(text), text.size(),
                     reinterpret_cast<unsigned char*>(out.data()), &written) != nullptr);
  IMPULSE_CHECK(written == size);
  return out;
}

/// Equal? In a time that tells neither where nor, for the secret's side, how long.
bool same(std::string_view left, std::string_view right) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> a{};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> b{};
  IMPULSE_CHECK(SHA256(bytes_of(left), left.size(), a.data()) != nullptr);
  IMPULSE_CHECK(SHA256(bytes_of(right), right.size(), b.data()) != nullptr);
  const bool equal = CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
  OPENSSL_cleanse(a.data(), a.size());
  OPENSSL_cleanse(b.data(), b.size());
  return equal;
}

bool keys_match(ScramHash hash, const ScramKeys& keys, std::string_view password) {
  if (keys.stored_key.empty()) return false;
  const ScramKeys derived = derive_scram_keys(hash, password, keys.salt, keys.iterations);
  return derived.stored_key.size() == keys.stored_key.size() &&
         CRYPTO_memcmp(derived.stored_key.data(), keys.stored_key.data(), keys.stored_key.size()) ==
             0;
}

}  // namespace

ScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string_view salt,
                            std::uint32_t iterations) {
  constexpr auto kMost = static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  IMPULSE_CHECK(password.size() < kMost && salt.size() < kMost);
  iterations = std::clamp<std::uint32_t>(iterations, 1, kMost);
  const EVP_MD* digest = message_digest(hash);
  const auto size = static_cast<std::size_t>(EVP_MD_get_size(digest));

  Digest salted{};
  IMPULSE_CHECK(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(bytes_of(password)),
                                  static_cast<int>(password.size()), bytes_of(salt),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations),
                                  digest, static_cast<int>(size), salted.data()) == 1);
  std::string client_key = hmac(digest, salted, size, "Client Key");
  ScramKeys keys{.salt = std::string(salt),
                 .iterations = iterations,
                 .stored_key = std::string(size, '\0'),
                 .server_key = hmac(digest, salted, size, "Server Key")};
  IMPULSE_CHECK(EVP_Digest(client_key.data(), client_key.size(),
                           reinterpret_cast<unsigned char*>(keys.stored_key.data()), nullptr,
                           digest, nullptr) == 1);
  // Either of these is as good as the password to whoever finds it in memory.
  OPENSSL_cleanse(salted.data(), salted.size());
  OPENSSL_cleanse(client_key.data(), client_key.size());
  return keys;
}

bool password_matches(const Credentials& credentials, std::string_view password) {
  if (credentials.password) return same(credentials.password->reveal(), password);
  if (credentials.sha256) return keys_match(ScramHash::kSha256, *credentials.sha256, password);
  if (credentials.sha1) return keys_match(ScramHash::kSha1, *credentials.sha1, password);
  return false;
}

}  // namespace impulse::aaa
