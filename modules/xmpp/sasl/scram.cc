// SASL SCRAM-SHA-1, SCRAM-SHA-256 and their -PLUS forms (RFC 5802, RFC 7677).
// @rfc 5802 complete
// @rfc 7677 complete
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "host/base/check.h"
#include "modules/xmpp/jid.h"
#include "modules/xmpp/sasl/mechanisms.h"

namespace impulse::xmpp::sasl {
namespace {

constexpr std::size_t kNonceBytes = 18;

// Takes what stands before the next ',' off the front of `text`, and the ',' as well.
std::optional<std::string_view> take_field(std::string_view& text) {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const std::string_view field = text.substr(0, comma);
  text.remove_prefix(comma + 1);
  return field;
}

// "=2C" and "=3D" are the only escapes of a saslname.
std::optional<std::string> decode_name(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      out.push_back(text[i]);
      continue;
    }
    const std::string_view escape = text.substr(i, 3);
    if (escape != "=2C" && escape != "=3D") return std::nullopt;
    out.push_back(escape == "=2C" ? ',' : '=');
    i += 2;
  }
  return out;
}

bool is_nonce(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c > 0x20 && c < 0x7F && c != ','; });
}

std::optional<std::string> random_nonce() {
  std::array<unsigned char, kNonceBytes> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return std::nullopt;
  return base64_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

class Scram final : public Mechanism {
 public:
  Scram(aaa::ScramHash hash, bool is_plus, Context context, std::string server_nonce)
      : hash_(hash),
        is_plus_(is_plus),
        context_(std::move(context)),
        server_nonce_(std::move(server_nonce)) {
    IMPULSE_CHECK(context_.keys != nullptr);
  }

  Step respond(std::optional<std::string_view> message) override {
    if (state_ == State::kStart && !message) {
      state_ = State::kAsked;
      return challenge({});
    }
    if (!message || message->size() > kMessageBytes) return fail(Failure::kMalformedRequest);
    switch (state_) {
      case State::kStart:
      case State::kAsked:
        return take_first(*message);
      case State::kChallenged:
        return take_final(*message);
      case State::kLookup:
      case State::kDone:
        break;
    }
    return fail(Failure::kMalformedRequest);
  }

  Step supply(std::optional<aaa::Credentials> credentials) override {
    if (state_ != State::kLookup) return fail(Failure::kMalformedRequest);
    if (server_nonce_.empty()) {
      auto nonce = random_nonce();
      if (!nonce) return fail(Failure::kTemporaryAuthFailure);
      server_nonce_ = *std::move(nonce);
    }
    if (credentials) context_.keys->note(*credentials);
    if (const auto* kept = kept_keys(credentials)) {
      keys_ = *kept;
      is_known_ = true;
    } else if (credentials && credentials->password) {
      keys_ = context_.keys->keys_for(hash_, account(),
                                      prepared_password(credentials->password->reveal()));
      is_known_ = true;
    } else {
      // Nobody, or nobody who can use this hash: the exchange goes on and cannot succeed.
      keys_ = context_.keys->keys_for_unknown(hash_, account());
    }
    nonce_ += server_nonce_;
    server_first_ = "r=" + nonce_ + ",s=" + base64_encode(keys_.salt) +
                    ",i=" + std::to_string(keys_.iterations);
    state_ = State::kChallenged;
    return challenge(server_first_);
  }

  bool is_costly(const std::optional<aaa::Credentials>& credentials) const override {
    if (kept_keys(credentials) != nullptr) return false;
    if (credentials && credentials->password) {
      return !context_.keys->has(hash_, account(),
                                 prepared_password(credentials->password->reveal()));
    }
    return !context_.keys->has_for_unknown(hash_, account());
  }

 private:
  enum class State { kStart, kAsked, kLookup, kChallenged, kDone };

  Step fail(Failure reason) {
    state_ = State::kDone;
    return failure(reason);
  }

  std::string account() const { return user_ + "@" + context_.domain; }

  const aaa::ScramKeys* kept_keys(const std::optional<aaa::Credentials>& credentials) const {
    if (!credentials) return nullptr;
    const auto& kept = hash_ == aaa::ScramHash::kSha1 ? credentials->sha1 : credentials->sha256;
    return kept ? &*kept : nullptr;
  }

  // gs2-cbind-flag "," [ "a=" authzid ] "," "n=" user ",r=" nonce [ "," extensions ]
  Step take_first(std::string_view message) {
    std::string_view rest = message;
    const auto flag = take_field(rest);
    const auto authzid_field = take_field(rest);
    if (!flag || !authzid_field) return fail(Failure::kMalformedRequest);
    gs2_header_ = message.substr(0, message.size() - rest.size());
    first_bare_ = rest;
    if (const auto refused = check_binding(*flag)) return fail(*refused);

    std::string authzid;
    if (!authzid_field->empty()) {
      if (!authzid_field->starts_with("a=")) return fail(Failure::kMalformedRequest);
      auto decoded = decode_name(authzid_field->substr(2));
      if (!decoded || decoded->empty()) return fail(Failure::kMalformedRequest);
      authzid = *std::move(decoded);
    }
    // Here "m=" would stand for an extension that must be understood; there is none.
    const auto name_field = take_field(rest);
    if (!name_field || !name_field->starts_with("n=")) return fail(Failure::kMalformedRequest);
    const auto name = decode_name(name_field->substr(2));
    const std::string_view nonce_field = rest.substr(0, rest.find(','));
    if (!name || name->empty() || !nonce_field.starts_with("r=") ||
        !is_nonce(nonce_field.substr(2))) {
      return fail(Failure::kMalformedRequest);
    }
    auto user = Jid::prepare_local(*name);
    if (!user) return fail(Failure::kNotAuthorized);
    if (!is_own_authzid(authzid, *user, context_.domain)) return fail(Failure::kInvalidAuthzid);
    user_ = *std::move(user);
    nonce_ = nonce_field.substr(2);
    state_ = State::kLookup;
    return {.kind = Step::Kind::kLookup, .user = user_};
  }

  // RFC 5802 section 6: what the client says of channel binding must fit what it was offered.
  std::optional<Failure> check_binding(std::string_view flag) {
    if (!is_plus_) {
      if (flag == "n") return std::nullopt;
      if (flag != "y") return Failure::kMalformedRequest;
      // "You have no -PLUS", says a client to whom it was offered: somebody took it out.
      if (context_.plus_offered) return Failure::kNotAuthorized;
      return std::nullopt;
    }
    if (!flag.starts_with("p=") || flag.size() == 2) return Failure::kMalformedRequest;
    if (context_.channel_binding) binding_data_ = context_.channel_binding(flag.substr(2));
    if (binding_data_.empty()) return Failure::kNotAuthorized;
    return std::nullopt;
  }

  // "c=" base64 ",r=" nonce [ "," extensions ] ",p=" base64(proof)
  Step take_final(std::string_view message) {
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return fail(Failure::kMalformedRequest);
    const std::string_view without_proof = message.substr(0, proof_at);
    const auto proof = base64_decode(message.substr(proof_at + 3));
    std::string_view rest = without_proof;
    const auto binding_field = take_field(rest);
    if (!proof || !binding_field || !binding_field->starts_with("c=")) {
      return fail(Failure::kMalformedRequest);
    }
    const auto binding = base64_decode(binding_field->substr(2));
    const std::string_view nonce_field = rest.substr(0, rest.find(','));
    if (!binding || !nonce_field.starts_with("r=")) return fail(Failure::kMalformedRequest);
    const bool is_bound = is_equal_secret(*binding, gs2_header_ + binding_data_);
    const bool is_fresh = is_equal_secret(nonce_field.substr(2), nonce_);

    const std::string auth_message =
        first_bare_ + "," + server_first_ + "," + std::string(without_proof);
    std::string client_key = hmac(hash_, keys_.stored_key, auth_message);
    const bool has_length = proof->size() == client_key.size();
    for (std::size_t i = 0; has_length && i < client_key.size(); ++i) {
      client_key[i] = static_cast<char>(client_key[i] ^ (*proof)[i]);
    }
    const bool is_proved = is_equal_secret(digest(hash_, client_key), keys_.stored_key);
    if (!is_bound || !is_fresh || !has_length || !is_proved || !is_known_) {
      return fail(Failure::kNotAuthorized);
    }
    state_ = State::kDone;
    return {.kind = Step::Kind::kSuccess,
            .data = "v=" + base64_encode(hmac(hash_, keys_.server_key, auth_message)),
            .user = user_};
  }

  const aaa::ScramHash hash_;
  const bool is_plus_;
  Context context_;
  State state_ = State::kStart;
  bool is_known_ = false;
  std::string server_nonce_;
  std::string gs2_header_;
  std::string binding_data_;
  std::string first_bare_;
  std::string server_first_;
  std::string nonce_;  ///< the client's, then both
  std::string user_;
  aaa::ScramKeys keys_;
};

}  // namespace

std::unique_ptr<Mechanism> make_scram(aaa::ScramHash hash, bool is_plus, Context context,
                                      std::string server_nonce) {
  return std::make_unique<Scram>(hash, is_plus, std::move(context), std::move(server_nonce));
}

}  // namespace impulse::xmpp::sasl
