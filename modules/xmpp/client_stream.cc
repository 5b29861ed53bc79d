// A client's stream: bytes, headers, features, stanzas and the end. SASL and bind: negotiation.cc.
#include "modules/xmpp/client_stream.h"

#include <utility>

#include "modules/xmpp/account.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/features.h"
#include "modules/xmpp/module_log.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/negotiation.h"
#include "modules/xmpp/random_id.h"
#include "modules/xmpp/session.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {

namespace {
constexpr std::string_view kClosingTag = "</stream:stream>";
/// A client that has closed its side waits at most this long for its last answers.
constexpr std::chrono::milliseconds kEndTime{5000};
}  // namespace

ClientStream::ClientStream(EngineLoop& home, std::unique_ptr<net::ByteStream> bytes,
                           std::shared_ptr<const StreamOptions> options)
    : home_(&home),
      bytes_(std::move(bytes)),
      options_(std::move(options)),
      parser_(home.parsers()),
      negotiation_(std::make_unique<Negotiation>()),
      peer_(bytes_->peer().text()) {
  parser_.set_limits(options_->limits_before);
  bytes_->set_output_limit(options_->output_limit);
  deadline_ms_ =
      home.loop().now_ms() +
      static_cast<std::uint64_t>(std::chrono::milliseconds(options_->auth_timeout).count());
}

ClientStream::~ClientStream() = default;

void ClientStream::start() {
  bytes_->start(*this);
  if (options_->direct_tls) start_tls();
}

// --- input ---------------------------------------------------------------------------------------

bool ClientStream::takes_input() const {
  switch (state_) {
    case State::kAwaitingHeader:
    case State::kNegotiating:
    case State::kChallenged:
    case State::kAwaitingBoundHeader:
    case State::kBinding:
    case State::kBound:
      return !is_paused_ && !is_ending_;
    case State::kStartingTls:
    case State::kLookingUp:
    case State::kMoving:
    case State::kClosing:
    case State::kClosed:
      return false;
  }
  return false;
}

void ClientStream::on_bytes(std::span<const char> bytes) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (!pending_.empty() || !takes_input()) {
    pending_.append(bytes.data(), bytes.size());
    return take_up_input();
  }
  consume(bytes);
}

void ClientStream::consume(std::span<const char> bytes) {
  is_consuming_ = true;
  while (!bytes.empty() && takes_input()) {
    bytes = bytes.subspan(parser_.feed(bytes, *this));
  }
  is_consuming_ = false;
  if (bytes.empty() || state_ == State::kClosing || state_ == State::kClosed) return;
  if (state_ == State::kStartingTls) {
    // COMPAT(go-xmpp): a line end behind <starttls/> means nothing. Anything else that follows in
    // clear text was injected.
    const std::string_view rest(bytes.data(), bytes.size());
    if (rest.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    LOG(module_log(), kInfo, "starttls_injection", {"peer", peer_});
    return bytes_->close_now();
  }
  pending_.append(bytes.data(), bytes.size());
}

void ClientStream::take_up_input() {
  if (is_consuming_ || pending_.empty() || !takes_input()) return;
  std::string input;
  input.swap(pending_);
  consume(input);
}

void ClientStream::pause() {
  is_paused_ = true;
  parser_.stop();
  bytes_->pause();
}

void ClientStream::resume() {
  if (!is_paused_) return;
  is_paused_ = false;
  bytes_->resume();
  // Not from here: the caller is in the midst of handling a stanza.
  home_->loop().post(guard_.wrap([this] { take_up_input(); }));
}

void ClientStream::on_tls_established() {
  state_ = State::kAwaitingHeader;
  parser_.restart();
  has_sent_header_ = false;
}

void ClientStream::on_stream_start(const StreamHeader& header) {
  observe(true, "stream", nullptr, header.from, header.to);
  if (!header.is_stream_tag || header.name_ns != ns::kStreams) {
    open_stream(nullptr);
    return fail(
        {header.is_stream_tag ? StreamCondition::kInvalidNamespace : StreamCondition::kBadFormat,
         "A stream begins with <stream:stream> of http://etherx.jabber.org/streams."});
  }
  if (header.content_ns != ns::kClient) {
    open_stream(nullptr);
    if (header.content_ns == ns::kServer) {
      return fail(
          {StreamCondition::kUnsupportedFeature, "Streams of servers are not accepted here."});
    }
    return fail(
        {StreamCondition::kInvalidNamespace, "The default namespace must be jabber:client."});
  }
  Result<std::string> domain = Jid::prepare_domain(header.to);
  if (header.to.empty() || !domain || !home_->engine().is_local_domain(*domain)) {
    open_stream(nullptr);
    return fail({StreamCondition::kHostUnknown, {}});
  }
  if (state_ == State::kAwaitingBoundHeader && *domain != negotiation_->domain) {
    // The password that was proved belongs to one domain only (CVE-2018-10847).
    open_stream(nullptr);
    return fail(
        {StreamCondition::kHostUnknown, "The stream was authenticated for another domain."});
  }
  negotiation_->domain = std::move(*domain);
  open_stream(&header);
  if (header.version.empty() || header.version[0] == '0') {
    return fail({StreamCondition::kUnsupportedVersion, "XMPP 1.0 is needed."});
  }
  state_ = state_ == State::kAwaitingBoundHeader ? State::kBinding : State::kNegotiating;
  send_features();
}

void ClientStream::open_stream(const StreamHeader* header) {
  std::string& out = bytes_->output();
  const bool is_restart = negotiation_->user.empty() == false;
  out += is_restart ? "<stream:stream xmlns='jabber:client' xmlns:stream='"
                    : "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='";
  out += ns::kStreams;
  out += "' version='1.0' xml:lang='en' id='";
  out += random_id();
  if (!negotiation_->domain.empty()) {
    out += "' from='";
    escape_attribute(out, negotiation_->domain);
  }
  if (header && !header->from.empty()) {
    if (Result<Jid> from = Jid::parse(header->from)) {
      out += "' to='";
      escape_attribute(out, from->text());
    }
  }
  out += "'>";
  has_sent_header_ = true;
  bytes_->touch();
  observe(false, "stream", nullptr, negotiation_->domain, {});
}

void ClientStream::send_features() {
  std::string& out = bytes_->output();
  out += "<stream:features>";
  if (state_ == State::kBinding) {
    write_bound_features(out, home_->engine().features("stream"), options_->limits_after.bytes);
  } else {
    write_starttls(out, bytes_->is_tls(), *options_);
    if (bytes_->is_tls() || !options_->tls_required) {
      write_mechanisms(out, offered_mechanisms(), bytes_->tls());
    }
  }
  out += "</stream:features>";
  bytes_->touch();
}

void ClientStream::on_element(Document element, std::size_t) {
  switch (state_) {
    case State::kBound:
      return stanza(std::move(element));
    case State::kBinding:
      return bind(std::move(element));
    case State::kNegotiating:
    case State::kChallenged:
      return negotiate(std::move(element));
    case State::kAwaitingHeader:
    case State::kAwaitingBoundHeader:
    case State::kStartingTls:
    case State::kLookingUp:
    case State::kMoving:
    case State::kClosing:
    case State::kClosed:
      return;
  }
}

void ClientStream::stanza(Document element) {
  const Element& root = element.root();
  if (root.ns() != ns::kClient ||
      (root.name() != "message" && root.name() != "presence" && root.name() != "iq")) {
    return fail({root.ns() == ns::kClient ? StreamCondition::kUnsupportedStanzaType
                                          : StreamCondition::kInvalidNamespace,
                 {}});
  }
  if (const Attribute* from = root.find_attribute("from")) {
    // RFC 6120 section 8.1.2.1: absent, or this session's bare or full JID.
    const Jid& own = session_->jid();
    if (from->value != own.text() && from->value != own.bare_text()) {
      Result<Jid> prepared = Jid::parse(from->value);
      if (!prepared || (*prepared != own && prepared->text() != own.bare_text())) {
        return fail({StreamCondition::kInvalidFrom, {}});
      }
    }
  }
  observe(true, root.name(), &root, session_->jid().text(), root.attribute("to"));
  std::variant<Stanza, BadStanza> parsed = Stanza::from(std::move(element));
  if (BadStanza* bad = std::get_if<BadStanza>(&parsed)) {
    // RFC 6120 section 8.3.1: an error is never answered, nor is the result of an iq.
    Element& wrong = bad->document.root();
    const std::string_view type = wrong.attribute("type");
    if (type == "error" || (wrong.name() == "iq" && type == "result")) return;
    wrong.set_attribute("from", session_->jid().text());
    return send_stanza(error_answer(wrong, bad->error).root());
  }
  Stanza& stanza = std::get<Stanza>(parsed);
  stanza.set_from(session_->jid());
  session_->receive(std::move(stanza));
}

void ClientStream::on_stream_end() {
  // RFC 6120 section 4.4: what the client sent before its closing tag is still answered.
  parser_.stop();
  if (!session_) return end({});
  is_ending_ = true;
  deadline_ms_ = home_->loop().now_ms() + kEndTime.count();
  session_->client_has_closed();
}

bool ClientStream::on_end() {
  // RFC 6120 section 4.4: a client that only stops sending still gets its answers.
  if (!session_ || is_ending_) return session_ != nullptr;
  on_stream_end();
  return true;
}

void ClientStream::end_politely() { end({}); }

void ClientStream::on_parse_error(const StreamError& error) {
  if (!has_sent_header_) open_stream(nullptr);
  fail(error);
}

// --- output --------------------------------------------------------------------------------------

void ClientStream::send_stanza(const Element& element) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  write_element(bytes_->output(), element, ns::kClient);
  bytes_->touch();
  observe(false, element.name(), &element, element.attribute("from"), element.attribute("to"));
}

void ClientStream::send_shared(const Element& element, std::string_view from, std::string_view to,
                               std::string_view body) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  std::string& out = bytes_->output();
  write_start_tag(out, element, ns::kClient, from, to, !body.empty());
  out += body;
  bytes_->touch();
  observe(false, element.name(), &element, from, to);
}

void ClientStream::observe(bool is_received, std::string_view kind, const Element* element,
                           std::string_view from, std::string_view to) {
  const Observers* observers = home_->observers();
  if (!observers || observers->empty()) return;
  Traffic traffic;
  traffic.direction = is_received ? Traffic::Direction::kReceived : Traffic::Direction::kDelivered;
  traffic.kind = kind;
  traffic.from = from;
  traffic.to = to;
  if (element) {
    traffic.id = element->attribute("id");
    traffic.type = element->attribute("type");
  }
  traffic.remote = peer_;
  traffic.element = element;
  for (const auto& observer : *observers) observer->on_traffic(traffic);
}

// --- the end -------------------------------------------------------------------------------------

void ClientStream::fail(const StreamError& error) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (!has_sent_header_ && state_ != State::kStartingTls) open_stream(nullptr);
  LOG(module_log(), kDebug, "stream_error", {"peer", peer_},
      {"condition", name_of(error.condition)}, {"text", error.text});
  observe(false, "error", nullptr, {}, {});
  end(to_xml(error));
}

void ClientStream::end(std::string_view last_words) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  const bool in_handshake = state_ == State::kStartingTls;
  state_ = State::kClosing;
  parser_.stop();
  // From here on the client gets nothing and sends nothing: its session ends now, so that a new
  // one of the same resource never meets it.
  if (session_) std::exchange(session_, nullptr)->stream_gone();
  if (in_handshake) return bytes_->close_now();
  bytes_->write(last_words);
  if (has_sent_header_) bytes_->write(kClosingTag);
  bytes_->close_after_flush();
}

void ClientStream::on_closed(net::CloseReason reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  LOG(module_log(), kInfo, "connection_closed", {"peer", peer_}, {"reason", net::name_of(reason)},
      {"read", bytes_->bytes_read()}, {"written", bytes_->bytes_written()});
  if (session_) std::exchange(session_, nullptr)->stream_gone();
  home_->remove_stream(*this);
}

void ClientStream::check_deadlines(std::uint64_t now_ms) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  if (deadline_ms_ != 0) {
    if (now_ms < deadline_ms_) return;
    if (is_ending_) return end({});
    return fail({StreamCondition::kConnectionTimeout, "Authentication took too long."});
  }
  const auto idle = std::chrono::milliseconds(options_->idle_time).count();
  if (idle == 0 || is_paused_) return;
  if (now_ms - bytes_->last_read_ms() >= static_cast<std::uint64_t>(idle)) {
    fail({StreamCondition::kConnectionTimeout, {}});
  }
}

void ClientStream::check_domain(const Domains& domains) {
  const std::string_view domain = session_       ? session_->jid().domain()
                                  : negotiation_ ? std::string_view(negotiation_->domain)
                                                 : std::string_view();
  if (!domain.empty() && !domains.served.contains(domain)) {
    fail({StreamCondition::kHostGone, {}});
  }
}

}  // namespace impulse::xmpp
