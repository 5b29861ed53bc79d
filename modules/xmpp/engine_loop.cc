// One loop of the engine: where does this stanza go (RFC 6120 section 10), and who lives here.
// @rfc 6120 10 complete
#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "modules/xmpp/client_stream.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {

namespace {
/// From system-shutdown to the end of the connection.
constexpr std::chrono::milliseconds kGoodbyeTime{1000};
}  // namespace

/// A stanza on its way to many: the element and its serialised body, shared by all loops.
struct EngineLoop::FanOut {
  Stanza stanza;
  std::string body;
};

EngineLoop::EngineLoop(Engine& engine, event::Loop& loop)
    : engine_(engine),
      loop_(loop),
      hooks_(*this),
      domains_(std::make_shared<const Domains>()),
      observers_(std::make_shared<const Observers>()) {
  loop_.post([this] { sweep_ = loop_.every(std::chrono::seconds(1), [this] { sweep(); }); });
}

EngineLoop::~EngineLoop() = default;

// --- routing -------------------------------------------------------------------------------------

void EngineLoop::route(Stanza stanza) {
  IMPULSE_AT_HOME(loop_);
  IMPULSE_CHECK(stanza.to().has_value());
  const Jid& to = *stanza.to();
  if (!domains_->served.contains(to.domain())) return to_remote(std::move(stanza));
  if (!to.has_local()) return to_server(std::move(stanza));
  EngineLoop& target = engine_.home(to);
  if (&target == this) return to_account(std::move(stanza));
  target.loop_.post(
      [&target, stanza = std::move(stanza)]() mutable { target.to_account(std::move(stanza)); });
}

void EngineLoop::to_account(Stanza stanza) {
  Account& target = account_for(*stanza.to());
  target.pin();
  target.receive(std::move(stanza));
  target.unpin();
}

void EngineLoop::to_server(Stanza stanza) {
  auto refuse_unless_done = [this](Passage passage, Verdict verdict) {
    if (verdict == Verdict::kCont && passage.stanza) {
      refuse(*passage.stanza, {StanzaCondition::kServiceUnavailable});
    }
  };
  switch (stanza.kind()) {
    case StanzaKind::kMessage:
      return hooks_.run(Passage(HookPoint::kServerMessageRecv, nullptr, nullptr, std::move(stanza)),
                        refuse_unless_done);
    case StanzaKind::kPresence:
      return hooks_.run(
          Passage(HookPoint::kServerPresenceRecv, nullptr, nullptr, std::move(stanza)),
          [](Passage, Verdict) {});
    case StanzaKind::kIq:
      break;
  }
  if (!stanza.is_request()) return;
  const HookHandler* handler = iqs_.find(IqTarget::kServer, stanza);
  if (!handler || stanza.to()->is_full()) {
    return refuse(stanza, {StanzaCondition::kServiceUnavailable});
  }
  hooks_.run_one(*handler, Passage(HookPoint::kClientIqRecv, nullptr, nullptr, std::move(stanza)),
                 refuse_unless_done);
}

void EngineLoop::to_remote(Stanza stanza) {
  refuse(stanza, {StanzaCondition::kRemoteServerNotFound});
}

void EngineLoop::refuse(const Stanza& stanza, const StanzaError& error) {
  if (!stanza.may_be_answered() || !stanza.from()) return;
  if (!stanza.to()) {
    // A client's stanza without `to` was meant for its own account.
    Stanza addressed = stanza.clone();
    addressed.set_to(stanza.from()->bare());
    return route(addressed.error_reply(error));
  }
  // An error for somebody elsewhere about an address elsewhere would be a loop of our own making.
  if (!domains_->served.contains(stanza.from()->domain())) return;
  route(stanza.error_reply(error));
}

void EngineLoop::fan_out(const Stanza& stanza, JidSet& recipients) {
  // Owners: one task per loop that has recipients.
  std::shared_ptr<const FanOut> shared;
  for (unsigned i = 0; i < engine_.loops(); ++i) {
    JidSet::Group group = recipients.group(i, engine_.loops());
    if (!group) continue;
    if (!shared) {
      shared = std::make_shared<const FanOut>(FanOut{stanza.clone(), write_body(stanza.element())});
    }
    EngineLoop& target = engine_.at(i);
    if (&target == this) {
      deliver_group(*shared, *group);
    } else {
      target.loop_.post([&target, shared, group] { target.deliver_group(*shared, *group); });
    }
  }
}

void EngineLoop::deliver_group(const FanOut& fan_out, const std::vector<Jid>& recipients) {
  const Stanza& stanza = fan_out.stanza;
  const std::string_view from = stanza.from() ? stanza.from()->text() : std::string_view();
  // What goes to available resources and nobody else; the rest is an ordinary stanza for each.
  const bool is_broadcast =
      stanza.is_presence() && (stanza.presence_type() == PresenceType::kAvailable ||
                               stanza.presence_type() == PresenceType::kUnavailable);
  for (const Jid& jid : recipients) {
    Account* account = find_account(jid.text());
    if (is_broadcast && account && !account->is_entered()) {
      account->send_to_available(stanza.element(), from, fan_out.body);
    } else if (account || !is_broadcast || !domains_->served.contains(jid.domain())) {
      Stanza copy = stanza.clone();
      copy.set_to(jid);
      route(std::move(copy));
    }  // else nobody is there to be told
  }
}

// --- who lives here ------------------------------------------------------------------------------

Account* EngineLoop::find_account(std::string_view bare) const {
  auto at = accounts_.find(bare);
  return at == accounts_.end() ? nullptr : at->second.get();
}

Account& EngineLoop::account(const Jid& bare) { return account_for(bare); }

Account& EngineLoop::account_for(const Jid& jid) {
  IMPULSE_AT_HOME(loop_);
  if (Account* found = find_account(jid.bare_text())) return *found;
  auto made = std::make_unique<Account>(*this, jid.bare());
  Account& account = *made;
  accounts_.emplace(account.jid().text(), std::move(made));
  return account;
}

void EngineLoop::erase_account(Account& account) {
  auto at = accounts_.find(account.jid().text());
  IMPULSE_CHECK(at != accounts_.end());
  std::unique_ptr<Account> gone = std::move(at->second);
  accounts_.erase(at);
  loop_.destroy_later(std::move(gone));
}

void EngineLoop::adopt(std::unique_ptr<ClientStream> stream) {
  stream->slot_ = streams_.size();
  streams_.push_back(std::move(stream));
  if (is_stopping_) streams_.back()->fail({StreamCondition::kSystemShutdown, {}});
}

std::unique_ptr<ClientStream> EngineLoop::release(ClientStream& stream) {
  const std::size_t slot = stream.slot_;
  std::unique_ptr<ClientStream> released = std::move(streams_[slot]);
  if (slot + 1 != streams_.size()) {
    streams_[slot] = std::move(streams_.back());
    streams_[slot]->slot_ = slot;
  }
  streams_.pop_back();
  return released;
}

void EngineLoop::remove_stream(ClientStream& stream) {
  loop_.destroy_later(release(stream));
  if (is_stopping_ && streams_.empty() && stopped_) std::exchange(stopped_, nullptr)();
}

void EngineLoop::sweep() {
  // Backwards: a stream that ends at once takes itself out and the last one takes its place.
  for (std::size_t i = streams_.size(); i-- > 0;) {
    if (i < streams_.size()) streams_[i]->check_deadlines(loop_.now_ms());
  }
}

void EngineLoop::use_domains(std::shared_ptr<const Domains> domains) {
  domains_ = std::move(domains);
  for (std::size_t i = streams_.size(); i-- > 0;) {
    if (i < streams_.size()) streams_[i]->check_domain(*domains_);
  }
}

std::vector<SessionSummary> EngineLoop::summaries() const {
  std::vector<SessionSummary> rows;
  for (const auto& [bare, account] : accounts_) {
    for (const auto& session : account->sessions()) {
      if (!session->is_open()) continue;
      rows.push_back({std::string(session->jid().text()), session->peer(),
                      std::string(session->mechanism()), session->is_tls(), session->is_available(),
                      session->priority(), loop_.index()});
    }
  }
  return rows;
}

void EngineLoop::stop(UniqueFunction<void()> stopped) {
  is_stopping_ = true;
  stopped_ = std::move(stopped);
  for (std::size_t i = streams_.size(); i-- > 0;) {
    if (i < streams_.size()) streams_[i]->fail({StreamCondition::kSystemShutdown, {}});
  }
  if (streams_.empty() && stopped_) return std::exchange(stopped_, nullptr)();
  // Clients that do not close their side must not hold up a restart.
  stop_deadline_ = loop_.after(kGoodbyeTime, [this] {
    for (auto& stream : streams_) stream->cut();
  });
}

}  // namespace impulse::xmpp
