// The account at its home: its sessions, and the gate through which work on it goes in order.
#include "modules/xmpp/account.h"

#include <algorithm>
#include <utility>

#include "modules/xmpp/delivery.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {

namespace {
/// Work that may wait for one account before senders are told to slow down.
constexpr std::size_t kGateLimit = 1000;
constexpr std::size_t kGateBytes = 8 * 1024 * 1024;
/// Pieces of work in one go; the rest waits for the next turn, so that others have theirs.
constexpr unsigned kPumpLimit = 256;
}  // namespace

Account::Account(EngineLoop& home, Jid jid) : home_(home), jid_(std::move(jid)) {}

Account::~Account() = default;

Session* Account::find_session(std::string_view resource) const {
  for (const auto& session : sessions_) {
    if (session->is_open() && session->jid().resource() == resource) return session.get();
  }
  return nullptr;
}

void Account::receive(Stanza stanza) {
  if (!is_entered() && deliver_at_once(*this, stanza)) return;
  const std::size_t bytes = stanza.element().arena().bytes();
  if (gate_.size() >= kGateLimit || gate_bytes_ + bytes > kGateBytes) {
    home_.refuse(stanza,
                 {StanzaCondition::kResourceConstraint, "Too much waits for this account."});
    return;
  }
  gate_bytes_ += bytes;
  enter([this, bytes, stanza = std::move(stanza)]() mutable {
    gate_bytes_ -= bytes;
    deliver(*this, std::move(stanza));
  });
}

void Account::enter(UniqueFunction<void()> work) {
  if (is_entered()) {
    gate_.push_back(std::move(work));
    return pump();
  }
  gate_is_busy_ = true;
  pin();
  work();
  unpin();
}

void Account::leave() {
  gate_is_busy_ = false;
  pump();
}

void Account::pump() {
  // Work that leaves at once calls leave() within work(): the loop, not recursion, goes on.
  if (is_pumping_) return;
  is_pumping_ = true;
  pin();
  for (unsigned done = 0; !gate_is_busy_ && !gate_.empty(); ++done) {
    if (done == kPumpLimit) {
      pin();
      home_.loop().post([this] {
        pump();
        unpin();
      });
      break;
    }
    UniqueFunction<void()> work = std::move(gate_.front());
    gate_.pop_front();
    gate_is_busy_ = true;
    work();
  }
  is_pumping_ = false;
  unpin();
}

void Account::send_to_available(const Stanza& stanza, const Session* except) {
  if (sessions_.empty()) return;
  send_to_available(stanza.element(), stanza.from() ? stanza.from()->text() : jid_.text(),
                    write_body(stanza.element()), except);
}

void Account::send_to_available(const Element& element, std::string_view from,
                                std::string_view body, const Session* except) {
  for (const auto& session : sessions_) {
    if (session.get() == except || !session->is_open() || !session->is_available()) continue;
    session->send_shared(element, from, jid_.text(), body);
  }
}

void Account::send_to_interested(const Stanza& stanza) {
  for (const auto& session : sessions_) {
    if (!session->is_open() || !session->is_interested()) continue;
    Stanza copy = stanza.clone();
    copy.set_to(session->jid());
    session->send(copy);
  }
}

void Account::unpin() {
  if (--pins_ == 0) remove_if_idle();
}

Session& Account::add_session(Jid full, ClientStream& stream) {
  sessions_.push_back(std::make_unique<Session>(*this, std::move(full), stream));
  return *sessions_.back();
}

void Account::remove_session(Session& session) {
  auto at = std::find_if(sessions_.begin(), sessions_.end(),
                         [&](const auto& s) { return s.get() == &session; });
  home_.loop().destroy_later(std::move(*at));
  sessions_.erase(at);
  remove_if_idle();
}

void Account::remove_if_idle() {
  if (sessions_.empty() && pins_ == 0 && !is_entered()) home_.erase_account(*this);
}

}  // namespace impulse::xmpp
