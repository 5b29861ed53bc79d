// The hook table, and how a passage goes through a chain, waiting where a handler waits.
#include "modules/xmpp/hooks.h"

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "modules/xmpp/account.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/session.h"

namespace impulse::xmpp {

namespace {

constexpr HookRow kTable[kHookPoints] = {
    {HookPoint::kClientMessageRecv, "client_message_recv", "sess, stanza",
     "A local client sent a message; it has its full JID as from and is not yet routed.",
     "DONE: not routed. CONT: routed by its to.", true},
    {HookPoint::kClientPresenceRecv, "client_presence_recv", "sess, stanza",
     "A local client sent presence, or went away without: then the server sends unavailable for "
     "it.",
     "DONE: nothing more. CONT: recorded when without to, else routed.", true},
    {HookPoint::kClientIqRecv, "client_iq_recv", "sess, stanza", "A local client sent an iq.",
     "DONE: not routed, no answer is made. CONT: answered by an iq handler, or routed.", true},
    {HookPoint::kAccountMessageRecv, "account_message_recv", "account, stanza",
     "A message is addressed to a local account, bare or full, from anywhere.",
     "DONE: not delivered. CONT: delivered by RFC 6121 section 8.5.", true},
    {HookPoint::kAccountSubscriptionRecv, "account_subscription_recv", "account, stanza",
     "Presence of type subscribe, subscribed, unsubscribe or unsubscribed for a local account.",
     "DONE: handled. CONT: ignored by the server.", true},
    {HookPoint::kAccountProbeRecv, "account_probe_recv", "account, stanza",
     "A presence probe for a local account.", "DONE: answered. CONT: ignored by the server.", true},
    {HookPoint::kAccountMessageOffline, "account_message_offline", "account, stanza",
     "A message of type normal or chat for an account of which no resource takes it.",
     "DONE: kept. CONT: answered with service-unavailable.", true},
    {HookPoint::kServerMessageRecv, "server_message_recv", "stanza",
     "A message is addressed to a served domain itself.",
     "DONE: handled. CONT: answered with service-unavailable.", true},
    {HookPoint::kServerPresenceRecv, "server_presence_recv", "stanza",
     "Presence is addressed to a served domain itself.", "DONE: handled. CONT: ignored.", true},
    {HookPoint::kSessionBound, "session_bound", "sess",
     "A client has bound a resource; it has sent nothing yet.", "No difference.", true},
    {HookPoint::kSessionClosed, "session_closed", "sess",
     "A session has ended and its contacts have been told; it takes nothing any more.",
     "No difference.", true},
    {HookPoint::kBeforeStanzaSend, "before_stanza_send", "sess, stanza",
     "A stanza is about to be sent to this client.", "DONE: not sent. CONT: sent.", false},
};

}  // namespace

const HookRow (&hook_table())[kHookPoints] { return kTable; }

Passage::Passage(HookPoint at, Session* s, Account* a, std::optional<Stanza> st)
    : point(at), session(s), account(a), stanza(std::move(st)) {
  if (account) account->pin();
}

Passage::Passage(Passage&& other) noexcept
    : point(other.point),
      session(std::exchange(other.session, nullptr)),
      account(std::exchange(other.account, nullptr)),
      stanza(std::move(other.stanza)),
      last_order_(other.last_order_),
      last_id_(other.last_id_),
      newest_id_(other.newest_id_),
      finish_(std::move(other.finish_)),
      runner_(std::exchange(other.runner_, nullptr)),
      is_single_(other.is_single_) {}

Passage::~Passage() {
  if (account) account->unpin();
}

Resume Passage::wait() {
  Resume resume;
  resume.passage_ = std::make_unique<Passage>(std::move(*this));
  return resume;
}

Resume& Resume::operator=(Resume&& other) noexcept {
  if (this == &other) return *this;
  const Resume dropped = std::move(*this);  // what it held is not forgotten: somebody waits for it
  passage_ = std::move(other.passage_);
  return *this;
}

Resume::~Resume() {
  if (!passage_) return;
  if (passage_->stanza && passage_->runner_) {
    passage_->runner_->home_.refuse(*passage_->stanza, {StanzaCondition::kInternalServerError});
  }
  (*this)(Verdict::kDone);
}

void Resume::operator()(Verdict verdict) {
  IMPULSE_CHECK(passage_ != nullptr && verdict != Verdict::kWait);
  std::unique_ptr<Passage> passage = std::move(passage_);
  HookRunner* runner = passage->runner_;
  runner->advance(std::move(*passage), verdict);
}

Registration HookRunner::add(HookPoint point, int order, HookHandler handler) {
  const std::uint64_t id = ++next_id_;
  auto& chain = chains_[static_cast<std::size_t>(point)];
  auto at = std::upper_bound(chain.begin(), chain.end(), order,
                             [](int o, const Entry& e) { return o < e.order; });
  chain.insert(at, Entry{order, id, std::move(handler)});
  return Registration([this, point, id] {
    std::erase_if(chains_[static_cast<std::size_t>(point)],
                  [id](const Entry& e) { return e.id == id; });
  });
}

void HookRunner::run(Passage passage, UniqueFunction<void(Passage, Verdict)> finish) {
  passage.runner_ = this;
  passage.last_id_ = 0;
  passage.newest_id_ = next_id_;
  passage.finish_ = std::move(finish);
  advance(std::move(passage), Verdict::kCont);
}

void HookRunner::advance(Passage passage, Verdict verdict) {
  const auto& chain = chains_[static_cast<std::size_t>(passage.point)];
  while (verdict == Verdict::kCont && !passage.is_single_) {
    // Found anew each time: a handler may have waited while the chain was replaced.
    // Of its own order, handlers that came meanwhile (a new generation) are the old ones again.
    auto next = std::find_if(chain.begin(), chain.end(), [&](const Entry& e) {
      if (passage.last_id_ == 0 || e.order > passage.last_order_) return true;
      return e.order == passage.last_order_ && e.id > passage.last_id_ &&
             e.id <= passage.newest_id_;
    });
    if (next == chain.end()) break;
    passage.last_order_ = next->order;
    passage.last_id_ = next->id;
    verdict = next->handler(passage);
    // Who says kWait has called wait(), and nobody else has: the passage is in one place only.
    IMPULSE_CHECK((verdict == Verdict::kWait) == (passage.runner_ == nullptr));
  }
  if (verdict == Verdict::kWait) return;  // the passage has moved into a Resume
  auto finish = std::move(passage.finish_);
  finish(std::move(passage), verdict);
}

void HookRunner::run_one(const HookHandler& handler, Passage passage,
                         UniqueFunction<void(Passage, Verdict)> finish) {
  passage.runner_ = this;
  passage.is_single_ = true;
  passage.finish_ = std::move(finish);
  const Verdict verdict = handler(passage);
  IMPULSE_CHECK((verdict == Verdict::kWait) == (passage.runner_ == nullptr));
  if (verdict != Verdict::kWait) advance(std::move(passage), verdict);
}

Verdict HookRunner::run_now(Passage& passage) {
  for (const Entry& e : chains_[static_cast<std::size_t>(passage.point)]) {
    const Verdict verdict = e.handler(passage);
    IMPULSE_CHECK(verdict != Verdict::kWait);
    if (verdict == Verdict::kDone) return Verdict::kDone;
  }
  return Verdict::kCont;
}

}  // namespace impulse::xmpp
