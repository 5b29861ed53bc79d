// All that lives at a bare JID's home: sessions, the gate that keeps order, subscribers.
#pragma once

#include <list>
#include <memory>
#include <string_view>
#include <vector>

#include "host/base/function.h"
#include "modules/xmpp/jid_set.h"
#include "modules/xmpp/session.h"
#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

class Engine;
class EngineLoop;

/// An account (a bare JID of a domain served here) while anybody is concerned with it. Home.
/// Owned by its EngineLoop; goes away when it has no session, no waiting work and no pin.
class IMPULSE_EXPORT Account {
 public:
  Account(EngineLoop& home, Jid jid);
  ~Account();
  Account(const Account&) = delete;

  const Jid& jid() const { return jid_; }
  EngineLoop& home() { return home_; }
  const std::vector<std::unique_ptr<Session>>& sessions() const { return sessions_; }
  /// The open session with this resource, or nullptr.
  Session* find_session(std::string_view resource) const;

  /// A stanza addressed to this account (bare or full), from anywhere; in order of arrival
  /// (RFC 6121 section 8.5, delivery.h).
  void receive(Stanza stanza);
  /// Sends a presence or push to each available session; `except` is left out.
  void send_to_available(const Stanza& stanza, const Session* except = nullptr);
  /// The same with a body that was written once for many accounts (write_body).
  void send_to_available(const Element& element, std::string_view from, std::string_view body,
                         const Session* except = nullptr);
  void send_to_interested(const Stanza& stanza);

  /// Work on this account's data, one piece at a time in order of arrival. `work` calls leave()
  /// once when it is done, now or later.
  void enter(UniqueFunction<void()> work);
  void leave();
  bool is_entered() const { return gate_is_busy_ || !gate_.empty(); }

  /// Who gets this account's presence broadcasts; kept by the roster script.
  JidSet& subscribers() { return subscribers_; }

  /// Keeps the account (and its sessions' objects) alive while an answer is awaited.
  void pin() { ++pins_; }
  void unpin();

  /// What an attached language keeps for this account; destroyed with it.
  std::shared_ptr<void> attachment;

 private:
  friend class Session;
  friend class EngineLoop;
  friend class ClientStream;
  Session& add_session(Jid full, ClientStream& stream);
  void remove_session(Session& session);
  void pump();
  void remove_if_idle();

  EngineLoop& home_;
  Jid jid_;
  std::vector<std::unique_ptr<Session>> sessions_;
  JidSet subscribers_;
  std::list<UniqueFunction<void()>> gate_;
  std::size_t gate_bytes_ = 0;  // of the stanzas in gate_
  std::uint32_t pins_ = 0;
  bool gate_is_busy_ = false;
  bool is_pumping_ = false;
};

}  // namespace impulse::xmpp
