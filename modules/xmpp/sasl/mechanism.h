// SASL mechanisms, server side: pure, message in, step out (RFC 6120 section 6, RFC 4422).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/aaa/password_store.h"
#include "host/base/function.h"

namespace impulse::xmpp::sasl {

enum class Failure {
  kAborted,
  kAccountDisabled,
  kCredentialsExpired,
  kEncryptionRequired,
  kIncorrectEncoding,
  kInvalidAuthzid,
  kInvalidMechanism,
  kMalformedRequest,
  kMechanismTooWeak,
  kNotAuthorized,
  kTemporaryAuthFailure,
};
/// "not-authorized" etc. (RFC 6120 section 6.5)
std::string_view name_of(Failure failure);

/// What a mechanism wants next.
struct Step {
  enum class Kind {
    kChallenge,  ///< send `data` as a challenge
    kLookup,     ///< look `user` up, then call supply()
    kSuccess,    ///< authenticated as `user`; `data` goes with success (may be empty)
    kFailure,    ///< failed for `failure`
  };
  Kind kind = Kind::kFailure;
  std::string data = {};
  std::string user = {};  ///< prepared localpart
  Failure failure = Failure::kNotAuthorized;
};

/// Derived SCRAM keys of clear-text passwords, so that PBKDF2 is paid once per password. Holds at
/// most `capacity` entries; keyed by account and a keyed hash of the password. Any thread.
class ScramKeyCache {
 public:
  explicit ScramKeyCache(std::string secret, std::size_t capacity = 100'000);
  /// Keys for this password, with a salt that stays the same for the account.
  aaa::ScramKeys keys_for(aaa::ScramHash hash, std::string_view account, std::string_view password);
  /// Would keys_for answer without PBKDF2?
  bool has(aaa::ScramHash hash, std::string_view account, std::string_view password) const;
  /// The salt that an unknown account is shown, indistinguishable from a real one.
  std::string salt_for(aaa::ScramHash hash, std::string_view account) const;
  /// Keys that no password has, for an account that is not there. They take the same way as
  /// keys_for() while the stores have shown clear text, so that time tells nothing.
  aaa::ScramKeys keys_for_unknown(aaa::ScramHash hash, std::string_view account);
  bool has_for_unknown(aaa::ScramHash hash, std::string_view account) const;
  /// What kind of credentials the stores have: an unknown account is treated as the last known.
  void note(const aaa::Credentials& credentials);
  bool stores_clear_text() const { return stores_clear_text_; }
  bool stores_only_keys() const { return stores_only_keys_; }

 private:
  std::string index_of(aaa::ScramHash hash, std::string_view account,
                       std::string_view password) const;
  std::string made_up_password(std::string_view account) const;
  std::string secret_;
  std::size_t capacity_;
  std::atomic<bool> stores_clear_text_ = false;
  std::atomic<bool> stores_only_keys_ = false;
  mutable std::mutex mutex_;  // guards entries_
  std::unordered_map<std::string, aaa::ScramKeys> entries_;
};

/// What a mechanism must know of its connection.
struct Context {
  std::string domain;  ///< the domain the stream is for
  bool is_tls = false;
  bool plus_offered = false;  ///< -PLUS mechanisms were offered (downgrade check of flag 'y')
  /// Channel binding data for "tls-exporter", "tls-server-end-point", "tls-unique"; empty when
  /// the type does not apply.
  UniqueFunction<std::string(std::string_view type)> channel_binding;
  ScramKeyCache* keys = nullptr;  ///< outlives the mechanism
};

/// One authentication exchange. One at a time: may move to a pool thread for supply().
class Mechanism {
 public:
  virtual ~Mechanism() = default;
  /// A decoded message of the client: initial response or response. nullopt: <auth/> came without
  /// an initial response.
  virtual Step respond(std::optional<std::string_view> message) = 0;
  /// The answer to Step::Kind::kLookup; nullopt = unknown account (goes on with made-up data, so
  /// that neither answer nor time tells).
  virtual Step supply(std::optional<aaa::Credentials> credentials) = 0;
  /// Will supply() with these credentials cost milliseconds (PBKDF2)? Then it belongs in a pool.
  virtual bool is_costly(const std::optional<aaa::Credentials>& credentials) const = 0;
};

/// What may be offered here. Order is preference: -PLUS first, strongest first, PLAIN last.
struct Offer {
  bool plain = true;
  bool channel_binding = false;  ///< the connection has channel bindings
};
std::vector<std::string> mechanisms(const Offer& offer);
/// Channel binding types to announce (XEP-0440), given a connection that has them.
std::vector<std::string> channel_binding_types(bool is_tls13);
/// nullptr for a name that is not known.
std::unique_ptr<Mechanism> make_mechanism(std::string_view name, Context context);

/// Base64 by RFC 4648 section 4, strict: nullopt for anything malformed.
std::optional<std::string> base64_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);

}  // namespace impulse::xmpp::sasl
