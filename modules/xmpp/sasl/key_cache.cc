// SCRAM keys derived from clear-text passwords, kept so that PBKDF2 is paid once.
#include "modules/xmpp/sasl/mechanisms.h"

namespace impulse::xmpp::sasl {
namespace {

constexpr std::size_t kSaltBytes = 16;

std::string_view label(aaa::ScramHash hash) {
  return hash == aaa::ScramHash::kSha1 ? "SCRAM-SHA-1" : "SCRAM-SHA-256";
}

// No part can run into the next: neither names nor labels contain NUL.
std::string joined(std::string_view purpose, aaa::ScramHash hash, std::string_view account,
                   std::string_view rest) {
  std::string out(purpose);
  out.append(1, '\0').append(label(hash)).append(1, '\0').append(account).append(1, '\0');
  return out.append(rest);
}

}  // namespace

ScramKeyCache::ScramKeyCache(std::string secret, std::size_t capacity)
    : secret_(std::move(secret)), capacity_(capacity) {}

std::string ScramKeyCache::index_of(aaa::ScramHash hash, std::string_view account,
                                    std::string_view password) const {
  return hmac(aaa::ScramHash::kSha256, secret_, joined("index", hash, account, password));
}

std::string ScramKeyCache::salt_for(aaa::ScramHash hash, std::string_view account) const {
  return hmac(aaa::ScramHash::kSha256, secret_, joined("salt", hash, account, {}))
      .substr(0, kSaltBytes);
}

aaa::ScramKeys ScramKeyCache::keys_for(aaa::ScramHash hash, std::string_view account,
                                       std::string_view password) {
  const std::string index = index_of(hash, account, password);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = entries_.find(index); found != entries_.end()) return found->second;
  }
  // Derived without the lock: others must not wait milliseconds for us.
  aaa::ScramKeys keys =
      aaa::derive_scram_keys(hash, password, salt_for(hash, account), aaa::kScramIterations);
  if (capacity_ == 0) return keys;
  const std::lock_guard lock(mutex_);
  // Any entry may go; the index is a keyed hash, so nobody can choose which.
  while (entries_.size() >= capacity_) entries_.erase(entries_.begin());
  entries_.insert_or_assign(index, keys);
  return keys;
}

bool ScramKeyCache::has(aaa::ScramHash hash, std::string_view account,
                        std::string_view password) const {
  const std::string index = index_of(hash, account, password);
  const std::lock_guard lock(mutex_);
  return entries_.contains(index);
}

std::string ScramKeyCache::made_up_password(std::string_view account) const {
  return hmac(aaa::ScramHash::kSha256, secret_, "unknown" + std::string(account));
}

aaa::ScramKeys ScramKeyCache::keys_for_unknown(aaa::ScramHash hash, std::string_view account) {
  const std::string password = made_up_password(account);
  if (stores_clear_text_) return keys_for(hash, account, password);
  return {.salt = salt_for(hash, account),
          .iterations = aaa::kScramIterations,
          .stored_key = digest(hash, password),
          .server_key = hmac(hash, secret_, password)};
}

bool ScramKeyCache::has_for_unknown(aaa::ScramHash hash, std::string_view account) const {
  return !stores_clear_text_ || has(hash, account, made_up_password(account));
}

void ScramKeyCache::note(const aaa::Credentials& credentials) {
  stores_clear_text_ = credentials.password.has_value();
  stores_only_keys_ = !credentials.password && (credentials.sha1 || credentials.sha256);
}

}  // namespace impulse::xmpp::sasl
