// SASL PLAIN (RFC 4616).
// @rfc 4616 complete
#include "modules/xmpp/jid.h"
#include "modules/xmpp/prep.h"
#include "modules/xmpp/sasl/mechanisms.h"

namespace impulse::xmpp::sasl {
namespace {

class Plain final : public Mechanism {
 public:
  explicit Plain(Context context) : context_(std::move(context)) {}

  Step respond(std::optional<std::string_view> message) override {
    if (state_ == State::kStart && !message) {
      state_ = State::kChallenged;
      return challenge({});
    }
    if (state_ == State::kLookup || state_ == State::kDone || !message) {
      return finish(failure(Failure::kMalformedRequest));
    }
    if (message->size() > kMessageBytes) return finish(failure(Failure::kMalformedRequest));
    return take(*message);
  }

  Step supply(std::optional<aaa::Credentials> credentials) override {
    if (state_ != State::kLookup) return finish(failure(Failure::kMalformedRequest));
    state_ = State::kDone;
    if (!credentials) {
      // The work of a wrong password, so that time does not tell that nobody is here.
      if (is_costly(credentials)) {
        aaa::derive_scram_keys(
            aaa::ScramHash::kSha256, password_.reveal(),
            context_.keys->salt_for(aaa::ScramHash::kSha256, user_ + "@" + context_.domain),
            aaa::kScramIterations);
      }
      return failure(Failure::kNotAuthorized);
    }
    if (context_.keys != nullptr) context_.keys->note(*credentials);
    if (!matches(*credentials)) return failure(Failure::kNotAuthorized);
    return {.kind = Step::Kind::kSuccess, .user = user_};
  }

  bool is_costly(const std::optional<aaa::Credentials>& credentials) const override {
    if (!credentials) return context_.keys != nullptr && context_.keys->stores_only_keys();
    return !credentials->password && (credentials->sha1 || credentials->sha256);
  }

 private:
  enum class State { kStart, kChallenged, kLookup, kDone };

  Step finish(Step step) {
    state_ = State::kDone;
    return step;
  }

  // [authzid] NUL authcid NUL passwd
  Step take(std::string_view message) {
    const std::size_t first = message.find('\0');
    if (first == std::string_view::npos) return finish(failure(Failure::kMalformedRequest));
    const std::size_t second = message.find('\0', first + 1);
    if (second == std::string_view::npos ||
        message.find('\0', second + 1) != std::string_view::npos) {
      return finish(failure(Failure::kMalformedRequest));
    }
    const std::string_view authzid = message.substr(0, first);
    const std::string_view authcid = message.substr(first + 1, second - first - 1);
    const std::string_view password = message.substr(second + 1);
    if (authcid.empty() || password.empty()) return finish(failure(Failure::kMalformedRequest));
    auto user = Jid::prepare_local(authcid);
    auto prepared = prep::opaque_string(password);
    if (!user || !prepared) return finish(failure(Failure::kNotAuthorized));
    if (!is_own_authzid(authzid, *user, context_.domain)) {
      return finish(failure(Failure::kInvalidAuthzid));
    }
    user_ = *std::move(user);
    password_ = aaa::Secret(*prepared);
    state_ = State::kLookup;
    return {.kind = Step::Kind::kLookup, .user = user_};
  }

  bool matches(const aaa::Credentials& credentials) const {
    if (!credentials.password) return aaa::password_matches(credentials, password_.reveal());
    aaa::Credentials prepared;
    prepared.password = aaa::Secret(prepared_password(credentials.password->reveal()));
    return aaa::password_matches(prepared, password_.reveal());
  }

  Context context_;
  State state_ = State::kStart;
  std::string user_;
  aaa::Secret password_;
};

}  // namespace

std::unique_ptr<Mechanism> make_plain(Context context) {
  return std::make_unique<Plain>(std::move(context));
}

}  // namespace impulse::xmpp::sasl
