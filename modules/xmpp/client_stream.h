// A client's stream: negotiation as an explicit state machine, then stanzas (RFC 6120 sections
// 4-7).
// @rfc 6120 4, 5, 6, 7 complete
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/guard.h"
#include "host/net/byte_stream.h"
#include "modules/xmpp/parser.h"
#include "modules/xmpp/sasl/mechanism.h"
#include "modules/xmpp/stream_options.h"

namespace impulse::xmpp {

class EngineLoop;
struct Negotiation;
class Session;

/// One connection of a client, from the first byte to the last. Owned by its EngineLoop; moves
/// once, when it has authenticated, to the home loop of its account. Home.
class ClientStream final : private net::ByteReader, private ParserSink {
 public:
  /// Where the stream stands.
  enum class State : std::uint8_t {
    kAwaitingHeader,       ///< nothing, or a restart: an opening stream tag must come
    kNegotiating,          ///< features sent; starttls or auth may come
    kStartingTls,          ///< proceed sent, handshake under way
    kChallenged,           ///< a SASL challenge was sent
    kLookingUp,            ///< waiting for the password store; input is kept
    kMoving,               ///< on its way to its home loop
    kAwaitingBoundHeader,  ///< authenticated; the stream is to be restarted
    kBinding,              ///< features sent; bind must come
    kBound,                ///< stanzas
    kClosing,              ///< our closing tag was sent; output is flushed
    kClosed,
  };

  ClientStream(EngineLoop& home, std::unique_ptr<net::ByteStream> bytes,
               std::shared_ptr<const StreamOptions> options);
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;

  /// Begins to read on the loop of `home`.
  void start();
  /// Sends a stanza to the client.
  void send_stanza(const Element& element);
  void send_shared(const Element& element, std::string_view from, std::string_view to,
                   std::string_view body);
  /// Ends the stream with an error (RFC 6120 section 4.9).
  void fail(const StreamError& error);
  /// Closes the connection without further words.
  void cut() { bytes_->close_now(); }
  /// Stops and resumes taking stanzas from the client.
  void pause();
  void resume();
  /// The session has handled all that its client sent before it closed the stream.
  void end_politely();
  /// Looks at deadlines: authentication, idle. Called about once a second.
  void check_deadlines(std::uint64_t now_ms);
  /// Ends with host-gone when its domain is served no longer.
  void check_domain(const Domains& domains);

  State state() const { return state_; }
  const std::string& peer() const { return peer_; }
  std::string_view mechanism() const { return mechanism_name_; }
  bool is_tls() const { return bytes_->is_tls(); }

 private:
  friend class EngineLoop;
  // net::ByteReader
  void on_bytes(std::span<const char> bytes) override;
  void on_tls_established() override;
  bool on_end() override;
  void on_closed(net::CloseReason reason) override;
  // ParserSink
  void on_stream_start(const StreamHeader& header) override;
  void on_element(Document element, std::size_t bytes) override;
  void on_stream_end() override;
  void on_parse_error(const StreamError& error) override;

  void consume(std::span<const char> bytes);
  void take_up_input();
  bool takes_input() const;
  void open_stream(const StreamHeader* header);
  void send_features();
  std::vector<std::string> offered_mechanisms() const;
  void negotiate(Document element);
  void start_tls();
  void authenticate(const Element& auth);
  void respond(const Element& response);
  void handle(sasl::Step step);
  void look_up(std::string user);
  void supply(std::optional<aaa::Credentials> credentials);
  void fail_authentication(sasl::Failure failure);
  void succeed(const sasl::Step& step);
  void move_home();
  void bind(Document element);
  void stanza(Document element);
  void observe(bool is_received, std::string_view kind, const Element* element,
               std::string_view from, std::string_view to);
  void end(std::string_view last_words);

  EngineLoop* home_;
  std::unique_ptr<net::ByteStream> bytes_;
  std::shared_ptr<const StreamOptions> options_;
  StreamParser parser_;
  std::unique_ptr<Negotiation> negotiation_;  ///< only until a resource is bound
  Session* session_ = nullptr;
  std::string peer_;
  std::string pending_;  ///< input that came while we could not take it
  std::string_view mechanism_name_;
  std::size_t slot_ = 0;           ///< its place among the streams of its loop
  std::uint64_t deadline_ms_ = 0;  ///< bound, or with is_ending_ ended, by then; 0 = none
  State state_ = State::kAwaitingHeader;
  bool has_sent_header_ = false;
  bool is_paused_ = false;
  bool is_consuming_ = false;
  bool is_ending_ = false;  ///< the client has closed its stream; its last stanzas are handled
  Guard guard_;
};

}  // namespace impulse::xmpp
