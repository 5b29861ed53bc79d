// AccountRecord: one account as account:// keeps it: SCRAM keys, never the password.
#include "host/aaa/account_record.h"

#include <openssl/rand.h>

#include <optional>
#include <utility>

#include "host/base/check.h"
#include "host/base/text.h"

namespace impulse::aaa {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr std::size_t kSaltBytes = 16;

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (; !text.empty(); text.remove_prefix(2)) {
    const auto byte = text::parse_number<unsigned char>(text.substr(0, 2), 16);
    if (!byte) return std::nullopt;
    out += static_cast<char>(*byte);
  }
  return out;
}

/// Takes what stands before `separator`, and the separator.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return head;
}

std::string encode_keys(const ScramKeys& keys) {
  return std::to_string(keys.iterations) + ":" + to_hex(keys.salt) + ":" + to_hex(keys.stored_key) +
         ":" + to_hex(keys.server_key);
}

std::optional<ScramKeys> decode_keys(std::string_view text, std::size_t hash_bytes) {
  const auto iterations = text::parse_number<std::uint32_t>(take_until(text, ':'));
  auto salt = from_hex(take_until(text, ':'));
  auto stored = from_hex(take_until(text, ':'));
  auto server = from_hex(text);
  if (!iterations || *iterations == 0 || !salt || salt->empty() || !stored || !server ||
      stored->size() != hash_bytes || server->size() != hash_bytes) {
    return std::nullopt;
  }
  return ScramKeys{std::move(*salt), *iterations, std::move(*stored), std::move(*server)};
}

Error bad(const std::string& text) { return Error{ErrorCode::kInvalid, "account record: " + text}; }

ScramKeys fresh_keys(ScramHash hash, std::string_view password) {
  std::string salt(kSaltBytes, '\0');
  IMPULSE_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), kSaltBytes) == 1);
  return derive_scram_keys(hash, password, salt, kScramIterations);
}

}  // namespace

std::string AccountRecord::encode() const {
  return std::string(kVersion) + " created=" + std::to_string(created) +
         " sha1=" + encode_keys(sha1) + " sha256=" + encode_keys(sha256);
}

Result<AccountRecord> AccountRecord::decode(std::string_view text) {
  if (take_until(text, ' ') != kVersion) {
    return bad("must begin with 'v1'; a newer program, or no program of ours, wrote it");
  }
  std::optional<std::int64_t> created;
  std::optional<ScramKeys> sha1;
  std::optional<ScramKeys> sha256;
  while (!text.empty()) {
    std::string_view value = take_until(text, ' ');
    const std::string_view name = take_until(value, '=');
    if (name == "created") created = text::parse_number<std::int64_t>(value);
    if (name == "sha1") sha1 = decode_keys(value, 20);
    if (name == "sha256") sha256 = decode_keys(value, 32);
  }
  if (!created) return bad("field 'created' must be a number of seconds");
  if (!sha1) return bad("field 'sha1' must be ITERATIONS:SALT:STORED:SERVER");
  if (!sha256) return bad("field 'sha256' must be ITERATIONS:SALT:STORED:SERVER");
  return AccountRecord{*created, std::move(*sha1), std::move(*sha256)};
}

AccountRecord make_account_record(std::string_view password, std::int64_t created) {
  return {created, fresh_keys(ScramHash::kSha1, password),
          fresh_keys(ScramHash::kSha256, password)};
}

}  // namespace impulse::aaa
