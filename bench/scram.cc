// The client's side of SASL: SCRAM-SHA-1 (RFC 5802) and PLAIN (RFC 4616).
#include "scram.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <map>
#include <stdexcept>
#include <tuple>

namespace impulse::bench {

namespace {

constexpr std::size_t kDigestSize = 20;
using Digest = std::array<unsigned char, kDigestSize>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string base64_encode(std::string_view text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                     static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string base64_decode(std::string_view text) {
  std::string out(3 * text.size() / 4 + 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(text),
                                     static_cast<int>(text.size()));
  if (length < 0) throw std::runtime_error("the server sent bad base64");
  auto size = static_cast<std::size_t>(length);
  for (auto left = text; !left.empty() && left.back() == '='; left.remove_suffix(1)) --size;
  out.resize(size);
  return out;
}

Digest hmac(const Digest& key, std::string_view text) {
  Digest out{};
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(),
       out.data(), nullptr);
  return out;
}

const Digest& salted_password(const std::string& password, const std::string& salt, int rounds) {
  static std::map<std::tuple<std::string, std::string, int>, Digest> cache;
  const auto [entry, is_new] = cache.try_emplace({password, salt, rounds});
  if (is_new) {
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(salt),
                      static_cast<int>(salt.size()), rounds, EVP_sha1(),
                      static_cast<int>(kDigestSize), entry->second.data());
  }
  return entry->second;
}

/// The value of the field `name` in a SCRAM message ("r=...,s=...,i=...").
std::string field(std::string_view message, char name) {
  std::size_t at = 0;
  while (at < message.size()) {
    const auto end = std::min(message.find(',', at), message.size());
    if (message[at] == name && at + 1 < end && message[at + 1] == '=') {
      return std::string(message.substr(at + 2, end - at - 2));
    }
    at = end + 1;
  }
  throw std::runtime_error("no '" + std::string(1, name) + "' in the server's SCRAM challenge");
}

std::string make_nonce() {
  std::array<unsigned char, 18> random{};
  RAND_bytes(random.data(), static_cast<int>(random.size()));
  return base64_encode({reinterpret_cast<const char*>(random.data()), random.size()});
}

}  // namespace

std::string plain_response(std::string_view user, std::string_view password) {
  std::string text(1, '\0');
  text.append(user).append(1, '\0').append(password);
  return base64_encode(text);
}

ScramClient::ScramClient(std::string_view user, std::string_view password)
    : password_(password), first_bare_("n=" + std::string(user) + ",r=" + make_nonce()) {}

std::string ScramClient::first() const { return base64_encode("n,," + first_bare_); }

std::string ScramClient::answer(std::string_view challenge) const {
  const auto server_first = base64_decode(challenge);
  const auto salt = base64_decode(field(server_first, 's'));
  const int rounds = std::stoi(field(server_first, 'i'));
  const auto without_proof = "c=biws,r=" + field(server_first, 'r');
  const auto auth_message = first_bare_ + "," + server_first + "," + without_proof;

  const auto client_key = hmac(salted_password(password_, salt, rounds), "Client Key");
  Digest stored_key{};
  EVP_Digest(client_key.data(), client_key.size(), stored_key.data(), nullptr, EVP_sha1(), nullptr);
  const auto signature = hmac(stored_key, auth_message);
  std::string proof;
  for (std::size_t i = 0; i < kDigestSize; ++i) {
    proof += static_cast<char>(client_key[i] ^ signature[i]);
  }
  return base64_encode(without_proof + ",p=" + base64_encode(proof));
}

}  // namespace impulse::bench
