// One XMPP client session of the load generator: connects, logs in, then hands out stanzas.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "poller.h"
#include "scram.h"
#include "stanza_scanner.h"

namespace impulse::bench {

/// Where the sessions of one run go, and how.
struct Target {
  std::string host = "127.0.0.1";
  int port = 5222;
  std::string domain = "localhost";
  std::string password = "secret";
  bool use_starttls = false;
  bool use_direct_tls = false;
  bool is_relay = false;  ///< no XMPP server behind it: ready once connected
};

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* pointer) const noexcept {
    Free(pointer);
  }
};
using SslPtr = std::unique_ptr<SSL, FreeWith<&SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;

/// A session. Errors end the run: they are thrown as std::runtime_error out of `Poller::turn()`.
/// Neither handler may destroy the session. `poller` and `target` must outlive it.
/// Thread: owner only.
class Client final : public Pollable {
 public:
  using StanzaHandler = std::function<void(Client&, std::string_view stanza)>;

  Client(Poller& poller, const Target& target, std::string user, std::string resource);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void set_stanza_handler(StanzaHandler handler) { stanza_handler_ = std::move(handler); }

  bool is_ready() const { return state_ == State::kReady; }
  bool is_closed() const { return state_ == State::kClosed; }

  /// The full JID; known once ready.
  const std::string& jid() const { return jid_; }

  /// Queues bytes; they are written at the end of the turn.
  void send(std::string_view bytes);

  /// Ends the stream; `is_closed()` is true once the server has ended it as well.
  void end_stream();

  void on_events(std::uint32_t events) override;
  void flush() override;

 private:
  enum class State {
    kConnecting,
    kHandshaking,
    kAwaitingFeatures,
    kAwaitingProceed,
    kAuthenticating,
    kBinding,
    kStartingSession,
    kReady,
    kClosing,
    kClosed,
  };

  void on_connected();
  void start_tls();
  void continue_handshake();
  void on_secured();
  void open_stream();
  void read_some();
  void on_element(std::string_view element);
  void on_features(std::string_view features);
  void authenticate(std::string_view features);
  void on_auth_element(std::string_view element);
  void on_iq_result(std::string_view iq);
  void become_ready();
  void on_end();
  [[noreturn]] void fail(std::string_view why) const;
  void watch_for_output(bool is_wanted);

  Poller& poller_;
  const Target& target_;
  std::string user_;
  std::string resource_;
  std::string jid_;
  int socket_ = -1;
  SslPtr ssl_;
  State state_ = State::kConnecting;
  bool is_secure_ = false;
  bool is_authenticated_ = false;
  bool needs_session_ = false;
  bool is_flush_queued_ = false;
  bool watches_output_ = true;
  StanzaScanner scanner_;
  ScramClient scram_;
  std::string output_;
  StanzaHandler stanza_handler_;
};

}  // namespace impulse::bench
