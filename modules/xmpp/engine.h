// The engine: routing between homes, domains served, hooks and iq handlers of each loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/event/loop.h"
#include "host/module/descriptor.h"
#include "host/store/datasource.h"
#include "modules/xmpp/account.h"
#include "modules/xmpp/hooks.h"
#include "modules/xmpp/iq.h"
#include "modules/xmpp/parser.h"
#include "modules/xmpp/session.h"
#include "modules/xmpp/stream_options.h"
#include "modules/xmpp/traffic.h"

namespace impulse {
class Host;
}

namespace impulse::xmpp {

class ClientStream;
class Engine;
class Existence;

/// Row of `xmpp sessions`.
struct SessionSummary {
  std::string jid, peer, mechanism;
  bool is_tls = false, is_available = false;
  int priority = 0;
  unsigned loop = 0;
};

/// What the engine keeps on one loop. Home.
class IMPULSE_EXPORT EngineLoop {
 public:
  EngineLoop(Engine& engine, event::Loop& loop);
  ~EngineLoop();

  Engine& engine() { return engine_; }
  event::Loop& loop() { return loop_; }
  HookRunner& hooks() { return hooks_; }
  IqTable& iqs() { return iqs_; }
  /// Keeps a registration as long as the loop lives.
  void keep(Registration registration) { kept_.push_back(std::move(registration)); }
  ParserPool& parsers() { return parsers_; }

  /// The account if anybody is concerned with it now, or nullptr.
  Account* find_account(std::string_view bare) const;
  /// The account; made when it is not there. Its home must be this loop.
  Account& account(const Jid& bare);
  const std::unordered_map<std::string_view, std::unique_ptr<Account>>& accounts() const {
    return accounts_;
  }

  /// Sends a stanza on its way by its `to` (RFC 6120 section 10); `from` must be set. Call on this
  /// loop; delivers at once when the destination's home is here.
  void route(Stanza stanza);
  /// The same for a stanza to each of `recipients` (bare JIDs): one letter per loop, one body.
  void fan_out(const Stanza& stanza, JidSet& recipients);
  /// Answers `stanza` with an error, unless it must not be answered.
  void refuse(const Stanza& stanza, const StanzaError& error);

  // For streams: who is connected here.
  void adopt(std::unique_ptr<ClientStream> stream);
  std::unique_ptr<ClientStream> release(ClientStream& stream);
  void remove_stream(ClientStream& stream);
  const Observers* observers() const { return observers_.get(); }
  bool is_stopping() const { return is_stopping_; }

  // For the engine, posted from the main loop.
  /// Streams of domains that are served no longer end politely.
  void use_domains(std::shared_ptr<const Domains> domains);
  void use_observers(std::shared_ptr<const Observers> observers) {
    observers_ = std::move(observers);
  }
  std::vector<SessionSummary> summaries() const;
  /// Ends every stream with system-shutdown; `stopped` is called when the last one is gone.
  void stop(UniqueFunction<void()> stopped);

 private:
  friend class Account;
  struct FanOut;
  Account& account_for(const Jid& jid);
  void deliver_group(const FanOut& fan_out, const std::vector<Jid>& recipients);
  void to_account(Stanza stanza);
  void to_server(Stanza stanza);
  void to_remote(Stanza stanza);
  void erase_account(Account& account);
  void sweep();

  Engine& engine_;
  event::Loop& loop_;
  HookRunner hooks_;
  IqTable iqs_;
  ParserPool parsers_;
  std::unordered_map<std::string_view, std::unique_ptr<Account>> accounts_;
  std::vector<std::unique_ptr<ClientStream>> streams_;  ///< every stream on this loop
  std::shared_ptr<const Domains> domains_;
  std::shared_ptr<const Observers> observers_;
  event::Timer sweep_;
  event::Timer stop_deadline_;
  Registrations kept_;
  UniqueFunction<void()> stopped_;
  bool is_stopping_ = false;
};

/// The XMPP server. Published by the module xmpp for xmpp_listener, xmpp_logger and xmpp_lua.
class IMPULSE_EXPORT Engine {
 public:
  static constexpr std::string_view kServiceName = "xmpp::Engine";
  explicit Engine(Host& host);
  ~Engine();

  Host& host() { return host_; }
  unsigned loops() const { return static_cast<unsigned>(loops_.size()); }
  EngineLoop& at(unsigned index) { return *loops_[index]; }
  /// The loop that runs on this thread (it must be one of ours).
  EngineLoop& here();
  EngineLoop& home(const Jid& jid) { return *loops_[jid.home_hash() % loops_.size()]; }

  /// Sends a stanza on its way from any thread.
  void route(Stanza stanza);

  /// Domains served here. Any thread.
  bool is_local_domain(std::string_view domain) const;
  /// Served here, or one that may be routed to (XMPP_Role = "client"). Any thread.
  bool is_valid_domain(std::string_view domain) const;
  std::shared_ptr<const Domains> domains() const;

  /// Answers on `loop` whether somebody could log in as this bare JID: asks every password store
  /// in use; short-lived cache. An Error = could not be asked.
  void account_exists(event::Loop& loop, const Jid& bare, UniqueFunction<void(Result<bool>)> done);

  /// The datasource of rosters, offline messages and so on; nullptr when none is configured.
  store::Datasource* datasource() const;

  /// A freshly accepted connection of an XMPP listener; called on `loop`.
  void accept(event::Loop& loop, UniqueFd socket, net::Address peer,
              std::shared_ptr<const StreamOptions> options);

  /// Observers see each stanza that clients send and receive (the logger). Main thread.
  [[nodiscard]] Registration observe(std::shared_ptr<TrafficObserver> observer);
  /// What disco answers for the server and for accounts; scripts add to it. Any thread.
  [[nodiscard]] Registration add_feature(std::string_view target, std::string feature);
  std::vector<std::string> features(std::string_view target) const;
  /// Password stores in use by listeners (account_exists asks them). Main thread.
  void set_password_stores(std::vector<std::shared_ptr<aaa::PasswordStore>> stores);

  /// Console: all bound sessions, gathered from every loop. `done` runs on the main loop.
  void list_sessions(UniqueFunction<void(std::vector<SessionSummary>)> done);

  // For the module itself, main thread.
  void set_domains(std::shared_ptr<const Domains> domains);
  void set_datasource_name(std::string name);
  void stop(std::function<void()> done);
  sasl::ScramKeyCache& scram_keys() { return *scram_keys_; }

 private:
  Host& host_;
  std::vector<std::unique_ptr<EngineLoop>> loops_;
  mutable std::mutex mutex_;  // guards the three beneath it
  std::shared_ptr<const Domains> domains_;
  std::shared_ptr<const Observers> observers_;
  std::string datasource_name_;
  mutable std::mutex features_mutex_;  // guards features_
  std::multimap<std::string, std::string, std::less<>> features_;
  std::unique_ptr<Existence> existence_;
  std::unique_ptr<sasl::ScramKeyCache> scram_keys_;
};

}  // namespace impulse::xmpp
