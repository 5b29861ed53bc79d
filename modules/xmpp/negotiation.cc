// A client's stream until it is bound: STARTTLS, SASL, the move to its home loop, bind.
#include "modules/xmpp/negotiation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "host/event/pool.h"
#include "host/host.h"
#include "modules/xmpp/account.h"
#include "modules/xmpp/client_stream.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/features.h"
#include "modules/xmpp/module_log.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/random_id.h"
#include "modules/xmpp/session.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {

namespace {

/// Names that live as long as the process: what a session shows of its login.
std::string_view lasting_name(std::string_view mechanism) {
  static const std::vector<std::string> kAll = sasl::mechanisms({true, true});
  auto at = std::find(kAll.begin(), kAll.end(), mechanism);
  return at == kAll.end() ? std::string_view() : std::string_view(*at);
}

void write_sasl(std::string& out, std::string_view name, std::string_view data) {
  out.append("<").append(name).append(" xmlns='").append(ns::kSasl).append("'");
  if (data.empty()) {
    out += "/>";
  } else {
    out.append(">").append(sasl::base64_encode(data)).append("</").append(name).append(">");
  }
}

}  // namespace

void ClientStream::negotiate(Document element) {
  const Element& root = element.root();
  if (root.is("starttls", ns::kTls) && state_ == State::kNegotiating && !bytes_->is_tls() &&
      !options_->tls.certificate.empty()) {
    return start_tls();
  }
  if (root.ns() == ns::kTls) {
    bytes_->output().append("<failure xmlns='").append(ns::kTls).append("'/>");
    return end({});
  }
  if (root.ns() != ns::kSasl) return fail({StreamCondition::kNotAuthorized, {}});
  if (!bytes_->is_tls() && options_->tls_required) {
    return fail_authentication(sasl::Failure::kEncryptionRequired);
  }
  if (root.name() == "auth") return authenticate(root);
  if (root.name() == "response") return respond(root);
  if (root.name() == "abort") return fail_authentication(sasl::Failure::kAborted);
  fail({StreamCondition::kUnsupportedStanzaType, {}});
}

void ClientStream::start_tls() {
  const bool is_first = state_ == State::kAwaitingHeader;  // direct TLS: no proceed
  auto context = home_->engine().host().tls.get(options_->tls);
  if (!context) {
    LOG(module_log(), kError, "tls_unavailable", {"peer", peer_}, {"error", context.error().what});
    if (is_first) return bytes_->close_now();
    bytes_->output().append("<failure xmlns='").append(ns::kTls).append("'/>");
    return end({});
  }
  if (!is_first) {
    bytes_->output().append("<proceed xmlns='").append(ns::kTls).append("'/>");
    bytes_->touch();
    parser_.stop();
  }
  state_ = State::kStartingTls;
  bytes_->start_tls(std::move(*context));
}

std::vector<std::string> ClientStream::offered_mechanisms() const {
  if (!options_->passwords) return {};
  return sasl::mechanisms({.plain = bytes_->is_tls() || options_->allow_plain_without_tls,
                           .channel_binding = bytes_->is_tls()});
}

void ClientStream::authenticate(const Element& auth) {
  if (state_ != State::kNegotiating) return fail_authentication(sasl::Failure::kMalformedRequest);
  const std::vector<std::string> offered = offered_mechanisms();
  const std::string_view name = auth.attribute("mechanism");
  if (std::find(offered.begin(), offered.end(), name) == offered.end()) {
    return fail_authentication(sasl::Failure::kInvalidMechanism);
  }
  sasl::Context context;
  context.domain = negotiation_->domain;
  context.is_tls = bytes_->is_tls();
  context.plus_offered = bytes_->is_tls();
  context.keys = &home_->engine().scram_keys();
  if (ssl_st* tls = bytes_->tls()) {
    // Computed here: the exchange may go on in a pool, where the connection must not be touched.
    std::array<std::string, 3> bindings = {net::channel_binding_exporter(tls),
                                           net::channel_binding_server_end_point(tls),
                                           net::channel_binding_unique(tls)};
    context.channel_binding = [bindings = std::move(bindings)](std::string_view type) {
      if (type == "tls-exporter") return bindings[0];
      if (type == "tls-server-end-point") return bindings[1];
      return type == "tls-unique" ? bindings[2] : std::string();
    };
  } else {
    context.channel_binding = [](std::string_view) { return std::string(); };
  }
  mechanism_name_ = lasting_name(name);
  negotiation_->mechanism = sasl::make_mechanism(name, std::move(context));
  const std::string text = auth.text();
  if (text.empty()) return handle(negotiation_->mechanism->respond(std::nullopt));
  if (text == "=") return handle(negotiation_->mechanism->respond(std::string_view()));
  std::optional<std::string> initial = sasl::base64_decode(text);
  if (!initial) return fail_authentication(sasl::Failure::kIncorrectEncoding);
  handle(negotiation_->mechanism->respond(*initial));
}

void ClientStream::respond(const Element& response) {
  if (state_ != State::kChallenged) return fail_authentication(sasl::Failure::kMalformedRequest);
  const std::string text = response.text();
  std::optional<std::string> data = sasl::base64_decode(text == "=" ? "" : text);
  if (!data) return fail_authentication(sasl::Failure::kIncorrectEncoding);
  handle(negotiation_->mechanism->respond(*data));
}

void ClientStream::handle(sasl::Step step) {
  switch (step.kind) {
    case sasl::Step::Kind::kChallenge:
      state_ = State::kChallenged;
      write_sasl(bytes_->output(), "challenge", step.data);
      bytes_->touch();
      return;
    case sasl::Step::Kind::kLookup:
      return look_up(std::move(step.user));
    case sasl::Step::Kind::kSuccess:
      return succeed(step);
    case sasl::Step::Kind::kFailure:
      return fail_authentication(step.failure);
  }
}

void ClientStream::look_up(std::string user) {
  state_ = State::kLookingUp;
  parser_.stop();
  bytes_->pause();
  options_->passwords->find(home_->loop(), std::move(user), negotiation_->domain,
                            guard_.wrap([this](Result<std::optional<aaa::Credentials>> found) {
                              if (state_ != State::kLookingUp) return;
                              if (!found) {
                                LOG(module_log(), kError, "password_store_failed",
                                    {"uri", options_->passwords->uri()},
                                    {"error", found.error().what});
                                bytes_->resume();
                                state_ = State::kNegotiating;
                                fail_authentication(sasl::Failure::kTemporaryAuthFailure);
                                return take_up_input();
                              }
                              supply(std::move(*found));
                            }));
}

void ClientStream::supply(std::optional<aaa::Credentials> credentials) {
  auto finish = [this](sasl::Step step) {
    if (state_ != State::kLookingUp) return;
    state_ = State::kNegotiating;
    bytes_->resume();
    handle(std::move(step));
    take_up_input();
  };
  if (!negotiation_->mechanism->is_costly(credentials)) {
    return finish(negotiation_->mechanism->supply(std::move(credentials)));
  }
  using Answer = std::pair<sasl::Step, std::unique_ptr<sasl::Mechanism>>;
  home_->engine().host().pools.get("CPU").run(
      home_->loop(),
      [mechanism = std::move(negotiation_->mechanism), c = std::move(credentials)]() mutable {
        sasl::Step step = mechanism->supply(std::move(c));
        return Answer(std::move(step), std::move(mechanism));
      },
      guard_.wrap([this, finish](Answer answer) mutable {
        if (state_ != State::kLookingUp) return;
        negotiation_->mechanism = std::move(answer.second);
        finish(std::move(answer.first));
      }));
}

void ClientStream::fail_authentication(sasl::Failure failure) {
  negotiation_->mechanism.reset();
  state_ = State::kNegotiating;
  bytes_->output()
      .append("<failure xmlns='")
      .append(ns::kSasl)
      .append("'><")
      .append(sasl::name_of(failure))
      .append("/></failure>");
  bytes_->touch();
  LOG(module_log(), kInfo, "authentication_failed", {"peer", peer_}, {"mechanism", mechanism_name_},
      {"reason", sasl::name_of(failure)});
  // RFC 6120 section 6.4.5: a reasonable number of retries, then the stream ends.
  if (++negotiation_->failures >= options_->max_failures) {
    fail({StreamCondition::kPolicyViolation, "Too many failed authentications."});
  }
}

void ClientStream::succeed(const sasl::Step& step) {
  negotiation_->user = step.user;
  negotiation_->mechanism.reset();
  write_sasl(bytes_->output(), "success", step.data);
  bytes_->touch();
  parser_.stop();
  has_sent_header_ = false;
  Jid account = Jid::make(negotiation_->user, negotiation_->domain, {}).value();
  LOG(module_log(), kInfo, "authenticated", {"peer", peer_}, {"jid", account.text()},
      {"mechanism", mechanism_name_}, {"tls", bytes_->is_tls()});
  state_ = State::kMoving;
  bytes_->pause();
  // Not from here: parser and connection are on the stack.
  home_->loop().post(guard_.wrap([this] {
    if (state_ == State::kMoving) move_home();
  }));
}

void ClientStream::move_home() {
  parser_.restart();
  EngineLoop& target =
      home_->engine().home(Jid::make(negotiation_->user, negotiation_->domain, {}).value());
  auto arrive = [](EngineLoop& home, std::unique_ptr<ClientStream> stream) {
    ClientStream& arrived = *stream;
    home.adopt(std::move(stream));
    arrived.state_ = State::kAwaitingBoundHeader;
    arrived.bytes_->resume();
    arrived.take_up_input();
  };
  if (&target == home_) {
    state_ = State::kAwaitingBoundHeader;
    bytes_->resume();
    return take_up_input();
  }
  std::unique_ptr<ClientStream> self = home_->release(*this);
  bytes_->detach();
  target.loop().post([&target, arrive, self = std::move(self)]() mutable {
    self->home_ = &target;
    self->parser_.set_pool(target.parsers());
    self->bytes_->attach(target.loop(), *self);
    arrive(target, std::move(self));
  });
}

void ClientStream::bind(Document element) {
  const Element& root = element.root();
  const Element* request = root.is("iq", ns::kClient) ? root.child("bind", ns::kBind) : nullptr;
  if (!request || root.attribute("type") != "set" || root.attribute("id").empty()) {
    return fail({StreamCondition::kNotAuthorized, "A resource must be bound first."});
  }
  const std::string id(root.attribute("id"));
  auto refuse = [&](StanzaCondition condition, std::string_view text) {
    send_stanza(error_answer(root, {condition, std::string(text)}).root());
  };
  if (request->next_sibling() || root.first_child() != request) {
    return refuse(StanzaCondition::kBadRequest, "A request holds exactly one element.");
  }
  const Element* wanted = request->child("resource", ns::kBind);
  std::string resource = wanted ? wanted->text() : std::string();
  if (resource.empty()) resource = random_id();
  Result<Jid> jid = Jid::make(negotiation_->user, negotiation_->domain, resource);
  if (!jid) return refuse(StanzaCondition::kBadRequest, jid.error().what);

  Account& account = home_->account(jid->bare());
  account.pin();
  if (Session* other = account.find_session(jid->resource())) {
    // RFC 6120 section 7.7.2.2: the newer one wins; a phone that lost its network comes back.
    other->close({StreamCondition::kConflict, "Another client has bound this resource."});
  }
  const auto open = std::count_if(account.sessions().begin(), account.sessions().end(),
                                  [](const auto& session) { return session->is_open(); });
  if (static_cast<std::uint32_t>(open) >= options_->max_resources) {
    refuse(StanzaCondition::kResourceConstraint, "Too many resources of this account are bound.");
    return account.unpin();
  }
  session_ = &account.add_session(*jid, *this);
  state_ = State::kBound;
  deadline_ms_ = 0;
  parser_.set_limits(options_->limits_after);
  negotiation_.reset();
  Document answer("iq", ns::kClient);
  answer.root().set_attribute("type", "result");
  answer.root().set_attribute("id", id);
  answer.root().add_child("bind", ns::kBind).add_child("jid").add_text(jid->text());
  send_stanza(answer.root());
  LOG(module_log(), kInfo, "session_bound", {"jid", jid->text()}, {"peer", peer_});
  session_->bound();
  account.unpin();
}

}  // namespace impulse::xmpp
