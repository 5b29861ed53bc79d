// One bound resource: its address, its presence, its way to the client.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/net/address.h"
#include "modules/xmpp/hooks.h"
#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

class Account;
class ClientStream;
class Engine;

/// A client that has authenticated and bound a resource (RFC 6120 section 7). Home: lives on its
/// account's loop. Owned by its Account; a pinned session outlives its stream until released.
class IMPULSE_EXPORT Session {
 public:
  Session(Account& account, Jid jid, ClientStream& stream);
  ~Session();
  Session(const Session&) = delete;

  const Jid& jid() const { return jid_; }
  Account& account() { return account_; }
  const std::string& peer() const { return peer_; }
  bool is_tls() const { return is_tls_; }
  std::string_view mechanism() const { return mechanism_; }
  bool is_open() const { return stream_ != nullptr; }

  /// Sends to this client. No effect once closed.
  void send(const Stanza& stanza);
  /// The same for many recipients: the start tag is made here, the body is shared. An empty `to`
  /// leaves the attribute out.
  void send_shared(const Element& element, std::string_view from, std::string_view to,
                   std::string_view body);
  /// Ends the stream with an error (conflict, policy-violation ...).
  void close(const StreamError& error);

  /// Presence as last broadcast (RFC 6121 section 4); nullptr = not available.
  const Stanza* presence() const { return presence_ ? &*presence_ : nullptr; }
  bool is_available() const { return presence_.has_value(); }
  int priority() const { return priority_; }
  /// Records a presence without `to`; type unavailable makes the session unavailable.
  void set_presence(const Stanza& presence);
  /// Wall time of set_presence, microseconds since 1970 (for the delay stamp of probe answers).
  std::int64_t presence_time_us() const { return presence_time_us_; }
  /// When it last became available; orders "most available" among equals. 0 = never.
  std::uint64_t available_since() const { return available_since_; }

  /// Has asked for the roster: gets roster pushes (RFC 6121 section 2.1.6, "interested").
  bool is_interested() const { return is_interested_; }
  void set_interested() { is_interested_ = true; }

  /// Who got directed presence and no unavailable since (RFC 6121 section 4.6); full or bare.
  const std::set<std::string, std::less<>>& directed() const;
  std::vector<std::string> take_directed();
  /// May this entity send requests to this resource (RFC 6121 section 8.5.3.1): it shares presence
  /// by subscription or by directed presence, or is the same account?
  bool shares_presence_with(const Jid& other) const;

  /// Handles a stanza of this client, in order (RFC 6120 section 10.1).
  void receive(Stanza stanza);

  /// What an attached language keeps for this session; destroyed with it.
  std::shared_ptr<void> attachment;

 private:
  friend class Account;
  friend class ClientStream;
  void pump();
  void start(Stanza stanza);
  void run_hooks(HookPoint point, Stanza stanza);
  void dispatch(Passage passage, Verdict verdict);
  void finish();
  /// The connection ended: the rest that was sent is still handled, then contacts are told.
  void stream_gone();
  /// The client sends no more: once all that it sent is handled and answered, the stream ends.
  void client_has_closed();
  void end_stream();
  /// A resource was just bound: scripts are told before the first stanza is handled.
  void bound();
  void say_goodbye();
  void track_directed(const Stanza& presence);

  Account& account_;
  Jid jid_;
  ClientStream* stream_;
  std::string peer_;
  std::string_view mechanism_;
  std::optional<Stanza> presence_;
  std::unique_ptr<std::set<std::string, std::less<>>> directed_;
  std::int64_t presence_time_us_ = 0;
  std::uint64_t available_since_ = 0;
  std::unique_ptr<std::deque<Stanza>> waiting_;  ///< behind the stanza being handled
  std::size_t waiting_bytes_ = 0;
  std::int8_t priority_ = 0;
  bool is_tls_ = false;
  bool is_interested_ = false;
  bool is_busy_ = false;     ///< a stanza is being handled
  bool is_entered_ = false;  ///< ... within the account's gate
  bool is_pumping_ = false;
  bool has_client_closed_ = false;
  bool has_said_goodbye_ = false;  ///< unavailable was sent for the client, if it had to be
  bool is_leaving_ = false;        ///< about to be removed
};

}  // namespace impulse::xmpp
