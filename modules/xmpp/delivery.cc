// Delivery at the account: resources, hooks, storage, by kind of stanza.
#include "modules/xmpp/delivery.h"

#include <utility>

#include "modules/xmpp/account.h"
#include "modules/xmpp/delivery_table.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/session.h"

namespace impulse::xmpp {

namespace {

/// The end of a request's work: leaves the gate, then `then`.
struct Exit {
  Account& account;
  UniqueFunction<void()> then;
  void operator()() {
    account.leave();
    if (then) then();
  }
};

bool has_non_negative_resource(const Account& account) {
  for (const auto& session : account.sessions()) {
    if (session->is_open() && session->is_available() && session->priority() >= 0) return true;
  }
  return false;
}

void send_to_most_available(Account& account, const Stanza& stanza) {
  int best = -1;
  for (const auto& session : account.sessions()) {
    if (session->is_open() && session->is_available()) best = std::max(best, session->priority());
  }
  for (const auto& session : account.sessions()) {
    if (session->is_open() && session->is_available() && session->priority() == best) {
      session->send(stanza);
    }
  }
}

void send_to_all_non_negative(Account& account, const Stanza& stanza) {
  for (const auto& session : account.sessions()) {
    if (session->is_open() && session->is_available() && session->priority() >= 0) {
      session->send(stanza);
    }
  }
}

MessageAction action_for(const Account& account, const Stanza& stanza, Session*& resource) {
  const Jid& to = *stanza.to();
  AddressMatch match = AddressMatch::kBare;
  if (to.is_full()) {
    resource = account.find_session(to.resource());
    match = resource ? AddressMatch::kResourceThere : AddressMatch::kResourceMissing;
  }
  return message_action(stanza.message_type(), match, has_non_negative_resource(account));
}

/// Asks whether the account exists before `go`; an account with a session does.
void if_exists(Account& account, UniqueFunction<void(Result<bool>)> go) {
  for (const auto& session : account.sessions()) {
    if (session->is_open()) return go(true);
  }
  EngineLoop& home = account.home();
  home.engine().account_exists(home.loop(), account.jid(), std::move(go));
}

void keep_message(Account& account, Stanza stanza) {
  if_exists(account, [&account, stanza = std::move(stanza)](Result<bool> exists) mutable {
    EngineLoop& home = account.home();
    if (!exists || !*exists) {
      home.refuse(stanza, {exists ? StanzaCondition::kServiceUnavailable
                                  : StanzaCondition::kInternalServerError});
      return account.leave();
    }
    home.hooks().run(
        Passage(HookPoint::kAccountMessageOffline, nullptr, &account, std::move(stanza)),
        [](Passage passage, Verdict verdict) {
          Account& kept_for = *passage.account;
          if (verdict == Verdict::kCont && passage.stanza) {
            kept_for.home().refuse(*passage.stanza, {StanzaCondition::kServiceUnavailable});
          }
          kept_for.leave();
        });
  });
}

void deliver_message(Account& account, Stanza stanza) {
  Session* resource = nullptr;
  switch (action_for(account, stanza, resource)) {
    case MessageAction::kIgnore:
      break;
    case MessageAction::kRefuse:
      account.home().refuse(stanza, {StanzaCondition::kServiceUnavailable});
      break;
    case MessageAction::kKeep:
      return keep_message(account, std::move(stanza));
    case MessageAction::kToResource:
      resource->send(stanza);
      break;
    case MessageAction::kToMostAvailable:
      send_to_most_available(account, stanza);
      break;
    case MessageAction::kToAll:
      send_to_all_non_negative(account, stanza);
      break;
  }
  account.leave();
}

void message(Account& account, Stanza stanza) {
  account.home().hooks().run(
      Passage(HookPoint::kAccountMessageRecv, nullptr, &account, std::move(stanza)),
      [](Passage passage, Verdict verdict) {
        Account& to = *passage.account;
        if (verdict == Verdict::kDone || !passage.stanza) return to.leave();
        deliver_message(to, std::move(*passage.stanza));
      });
}

/// Presence that asks the account's scripts: subscriptions and probes.
void ask_presence_hook(Account& account, HookPoint point, Stanza stanza) {
  if (!account.home().hooks().has(point)) return account.leave();
  if_exists(account, [&account, point, stanza = std::move(stanza)](Result<bool> exists) mutable {
    if (!exists || !*exists) return account.leave();  // RFC 6121 section 8.5.1: silently
    account.home().hooks().run(Passage(point, nullptr, &account, std::move(stanza)),
                               [](Passage passage, Verdict) { passage.account->leave(); });
  });
}

void presence(Account& account, Stanza stanza) {
  switch (stanza.presence_type()) {
    case PresenceType::kSubscribed:
    case PresenceType::kUnsubscribe:
    case PresenceType::kUnsubscribed:
      // RFC 6121 section 8.5.3.2.2: ignored when addressed to a resource that is not there.
      if (stanza.to()->is_full() && !account.find_session(stanza.to()->resource())) break;
      [[fallthrough]];
    case PresenceType::kSubscribe:
      return ask_presence_hook(account, HookPoint::kAccountSubscriptionRecv, std::move(stanza));
    case PresenceType::kProbe:
      return ask_presence_hook(account, HookPoint::kAccountProbeRecv, std::move(stanza));
    case PresenceType::kAvailable:
    case PresenceType::kUnavailable:
      if (stanza.to()->is_bare()) account.send_to_available(stanza);
      [[fallthrough]];
    case PresenceType::kError:
      if (stanza.to()->is_full()) {
        if (Session* resource = account.find_session(stanza.to()->resource())) {
          resource->send(stanza);
        }
      }
      break;
  }
  account.leave();
}

void iq(Account& account, Stanza stanza) {
  if (stanza.to()->is_bare()) {
    if (!stanza.is_request()) return account.leave();
    if_exists(account, [&account, stanza = std::move(stanza)](Result<bool> exists) mutable {
      if (exists && *exists) return answer_iq(account, nullptr, std::move(stanza), nullptr);
      account.home().refuse(stanza, {StanzaCondition::kServiceUnavailable});
      account.leave();
    });
    return;
  }
  Session* resource = account.find_session(stanza.to()->resource());
  if (resource && (!stanza.is_request() || resource->shares_presence_with(*stanza.from()))) {
    resource->send(stanza);
  } else if (stanza.is_request()) {
    account.home().refuse(stanza, {StanzaCondition::kServiceUnavailable});
  }
  account.leave();
}

}  // namespace

bool deliver_at_once(Account& account, Stanza& stanza) {
  switch (stanza.kind()) {
    case StanzaKind::kMessage: {
      if (account.home().hooks().has(HookPoint::kAccountMessageRecv)) return false;
      Session* resource = nullptr;
      switch (action_for(account, stanza, resource)) {
        case MessageAction::kToResource:
          resource->send(stanza);
          return true;
        case MessageAction::kToMostAvailable:
          send_to_most_available(account, stanza);
          return true;
        case MessageAction::kIgnore:
        case MessageAction::kRefuse:
        case MessageAction::kKeep:
        case MessageAction::kToAll:
          return false;
      }
      return false;
    }
    case StanzaKind::kIq:
      if (stanza.to()->is_bare() || stanza.is_request()) return false;
      if (Session* resource = account.find_session(stanza.to()->resource())) {
        resource->send(stanza);
      }
      return true;
    case StanzaKind::kPresence:
      return false;
  }
  return false;
}

void deliver(Account& account, Stanza stanza) {
  switch (stanza.kind()) {
    case StanzaKind::kMessage:
      return message(account, std::move(stanza));
    case StanzaKind::kPresence:
      return presence(account, std::move(stanza));
    case StanzaKind::kIq:
      return iq(account, std::move(stanza));
  }
}

void answer_iq(Account& account, Session* session, Stanza stanza, UniqueFunction<void()> then) {
  Exit exit{account, std::move(then)};
  EngineLoop& home = account.home();
  const HookHandler* handler = home.iqs().find(IqTarget::kAccount, stanza);
  if (!handler) {
    home.refuse(stanza, {StanzaCondition::kServiceUnavailable});
    return exit();
  }
  home.hooks().run_one(
      *handler, Passage(HookPoint::kClientIqRecv, session, &account, std::move(stanza)),
      [exit = std::move(exit)](Passage passage, Verdict verdict) mutable {
        if (verdict == Verdict::kCont && passage.stanza) {
          passage.account->home().refuse(*passage.stanza, {StanzaCondition::kServiceUnavailable});
        }
        exit();
      });
}

}  // namespace impulse::xmpp
