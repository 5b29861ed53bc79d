// A session: what its client sends, in order, and what is sent to it.
#include "modules/xmpp/session.h"

#include <charconv>
#include <chrono>
#include <utility>

#include "modules/xmpp/account.h"
#include "modules/xmpp/client_stream.h"
#include "modules/xmpp/delivery.h"
#include "modules/xmpp/engine.h"

namespace impulse::xmpp {

namespace {

/// Stanzas of one client that may wait behind one that is being handled, before we stop reading.
constexpr std::size_t kLaneLimit = 256;
constexpr std::size_t kLaneBytes = 512 * 1024;

bool is_subscription(PresenceType type) {
  return type == PresenceType::kSubscribe || type == PresenceType::kSubscribed ||
         type == PresenceType::kUnsubscribe || type == PresenceType::kUnsubscribed;
}

/// RFC 6121 section 4.7.2.3: -128 to 127; nullopt = malformed.
std::optional<int> priority_of(const Stanza& presence) {
  const Element* child = presence.element().child("priority");
  if (!child) return 0;
  const std::string text = child->text();
  int priority = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (priority < -128 || priority > 127) return std::nullopt;
  return priority;
}

std::int64_t wall_clock_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Session::Session(Account& account, Jid jid, ClientStream& stream)
    : account_(account),
      jid_(std::move(jid)),
      stream_(&stream),
      peer_(stream.peer()),
      mechanism_(stream.mechanism()),
      is_tls_(stream.is_tls()) {}

Session::~Session() = default;

void Session::send(const Stanza& stanza) {
  if (!stream_) return;
  HookRunner& hooks = account_.home().hooks();
  if (hooks.has(HookPoint::kBeforeStanzaSend)) {
    Passage passage(HookPoint::kBeforeStanzaSend, this, &account_, stanza.clone());
    if (hooks.run_now(passage) == Verdict::kDone || !stream_) return;
    return stream_->send_stanza(passage.stanza->element());
  }
  stream_->send_stanza(stanza.element());
}

void Session::send_shared(const Element& element, std::string_view from, std::string_view to,
                          std::string_view body) {
  if (!stream_) return;
  HookRunner& hooks = account_.home().hooks();
  if (hooks.has(HookPoint::kBeforeStanzaSend)) {
    auto stanza = Stanza::from(Document::copy_of(element));
    if (Stanza* copy = std::get_if<Stanza>(&stanza)) {
      copy->element().set_attribute("from", from);
      if (!to.empty()) copy->element().set_attribute("to", to);
      send(*copy);
    }
    return;
  }
  stream_->send_shared(element, from, to, body);
}

void Session::close(const StreamError& error) {
  if (stream_) stream_->fail(error);
}

void Session::set_presence(const Stanza& presence) {
  if (presence.presence_type() == PresenceType::kUnavailable) {
    presence_.reset();
    available_since_ = 0;
    priority_ = 0;
    return;
  }
  if (!presence_) available_since_ = account_.home().loop().now_ms();
  presence_ = presence.clone();
  presence_time_us_ = wall_clock_us();
  priority_ = static_cast<std::int8_t>(priority_of(presence).value_or(0));
}

const std::set<std::string, std::less<>>& Session::directed() const {
  static const std::set<std::string, std::less<>> kNobody;
  return directed_ ? *directed_ : kNobody;
}

std::vector<std::string> Session::take_directed() {
  if (!directed_) return {};
  std::vector<std::string> jids(directed_->begin(), directed_->end());
  directed_.reset();
  return jids;
}

bool Session::shares_presence_with(const Jid& other) const {
  if (other.same_bare(jid_) || !other.has_local()) return true;
  return account_.subscribers().contains(other.bare_text()) || directed().contains(other.text()) ||
         directed().contains(other.bare_text());
}

void Session::track_directed(const Stanza& presence) {
  constexpr std::size_t kMost = 1000;  // a client cannot grow us by greeting the world
  const std::string_view to = presence.to()->text();
  if (presence.presence_type() == PresenceType::kAvailable) {
    if (!directed_) directed_ = std::make_unique<std::set<std::string, std::less<>>>();
    if (directed_->size() < kMost) directed_->emplace(to);
  } else if (presence.presence_type() == PresenceType::kUnavailable && directed_) {
    auto at = directed_->find(to);
    if (at != directed_->end()) directed_->erase(at);
  }
}

void Session::receive(Stanza stanza) {
  if (!is_busy_ && !waiting_) return start(std::move(stanza));
  if (!waiting_) waiting_ = std::make_unique<std::deque<Stanza>>();
  waiting_bytes_ += stanza.element().arena().bytes();
  waiting_->push_back(std::move(stanza));
  if (stream_ && (waiting_->size() >= kLaneLimit || waiting_bytes_ >= kLaneBytes)) {
    stream_->pause();
  }
}

void Session::start(Stanza stanza) {
  is_busy_ = true;
  switch (stanza.kind()) {
    case StanzaKind::kMessage:
      return run_hooks(HookPoint::kClientMessageRecv, std::move(stanza));
    case StanzaKind::kPresence:
      if (!priority_of(stanza)) {
        account_.home().refuse(stanza, {StanzaCondition::kBadRequest,
                                        "The priority must be a number from -128 to 127."});
        return finish();
      }
      if (stanza.to() && is_subscription(stanza.presence_type())) {
        // RFC 6121 section 3: subscriptions are between bare JIDs.
        stanza.set_from(jid_.bare());
        if (stanza.to()->is_full()) stanza.set_to(stanza.to()->bare());
      }
      break;
    case StanzaKind::kIq:
      if (stanza.to() && *stanza.to() != account_.jid()) {
        return run_hooks(HookPoint::kClientIqRecv, std::move(stanza));
      }
      break;
  }
  // Presence and requests to the own account touch the account's data: one at a time.
  const HookPoint point =
      stanza.is_presence() ? HookPoint::kClientPresenceRecv : HookPoint::kClientIqRecv;
  account_.enter([this, point, stanza = std::move(stanza)]() mutable {
    is_entered_ = true;
    run_hooks(point, std::move(stanza));
  });
}

void Session::run_hooks(HookPoint point, Stanza stanza) {
  HookRunner& hooks = account_.home().hooks();
  Passage passage(point, this, &account_, std::move(stanza));
  if (!hooks.has(point)) return dispatch(std::move(passage), Verdict::kCont);
  hooks.run(std::move(passage), [](Passage done, Verdict verdict) {
    Session& session = *done.session;
    session.dispatch(std::move(done), verdict);
  });
}

void Session::dispatch(Passage passage, Verdict verdict) {
  EngineLoop& home = account_.home();
  if (verdict == Verdict::kDone || !passage.stanza) return finish();
  Stanza stanza = std::move(*passage.stanza);
  switch (stanza.kind()) {
    case StanzaKind::kMessage:
      if (!stanza.to()) stanza.set_to(jid_.bare());  // RFC 6120 section 10.3.1
      home.route(std::move(stanza));
      break;
    case StanzaKind::kPresence:
      if (!stanza.to()) {
        if (stanza.presence_type() == PresenceType::kUnavailable) {
          set_presence(stanza);
          for (const std::string& jid : take_directed()) {
            Stanza copy = stanza.clone();
            copy.set_to(Jid::parse(jid).value());
            home.route(std::move(copy));
          }
        } else if (stanza.presence_type() == PresenceType::kAvailable) {
          set_presence(stanza);
        }
      } else {
        track_directed(stanza);
        home.route(std::move(stanza));
      }
      break;
    case StanzaKind::kIq:
      if (is_entered_) {
        if (!stanza.is_request()) break;
        if (!stanza.to()) stanza.set_to(account_.jid());
        is_entered_ = false;  // answer_iq leaves the gate
        return answer_iq(account_, this, std::move(stanza), [this] { finish(); });
      }
      home.route(std::move(stanza));
      break;
  }
  finish();
}

void Session::finish() {
  is_busy_ = false;
  if (std::exchange(is_entered_, false)) account_.leave();
  pump();
}

void Session::pump() {
  if (is_pumping_) return;
  is_pumping_ = true;
  while (!is_busy_ && waiting_) {
    Stanza next = std::move(waiting_->front());
    waiting_->pop_front();
    if (waiting_->empty()) {
      waiting_.reset();
      waiting_bytes_ = 0;
      if (stream_) stream_->resume();
    }
    start(std::move(next));
  }
  is_pumping_ = false;
  if (is_busy_ || waiting_) return;
  if (!stream_) return say_goodbye();
  if (has_client_closed_) end_stream();
}

void Session::bound() {
  HookRunner& hooks = account_.home().hooks();
  if (!hooks.has(HookPoint::kSessionBound)) return;
  is_busy_ = true;
  account_.enter([this] {
    is_entered_ = true;
    account_.home().hooks().run(Passage(HookPoint::kSessionBound, this, &account_, std::nullopt),
                                [](Passage passage, Verdict) { passage.session->finish(); });
  });
}

void Session::client_has_closed() {
  has_client_closed_ = true;
  if (!is_busy_) pump();
}

void Session::end_stream() {
  // Behind the answers that wait at the gate.
  account_.enter([this] {
    if (stream_) stream_->end_politely();
    account_.leave();
  });
}

void Session::stream_gone() {
  stream_ = nullptr;
  if (!is_busy_) pump();
}

void Session::say_goodbye() {
  if (is_leaving_) return;
  if (!has_said_goodbye_) {
    has_said_goodbye_ = true;
    if (is_available() || !directed().empty()) {
      // RFC 6121 section 4.5.2: as if the client had sent it; comes back here once it is handled.
      return start(Stanza::presence(PresenceType::kUnavailable, jid_, std::nullopt));
    }
  }
  is_leaving_ = true;
  account_.enter([this] {
    account_.home().hooks().run(Passage(HookPoint::kSessionClosed, this, &account_, std::nullopt),
                                [](Passage passage, Verdict) {
                                  Account& account = *passage.account;
                                  Session& gone = *passage.session;
                                  account.pin();
                                  account.remove_session(gone);
                                  account.leave();
                                  account.unpin();
                                });
  });
}

}  // namespace impulse::xmpp
