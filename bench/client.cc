// One XMPP client session of the load generator: connects, logs in, then hands out stanzas.
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace impulse::bench {

namespace {

constexpr std::size_t kReadSize = 65536;

SSL_CTX& shared_tls_context() {
  static const SslContextPtr context = [] {
    SslContextPtr made(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(made.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_session_cache_mode(made.get(), SSL_SESS_CACHE_OFF);
    return made;
  }();
  return *context;
}

int connect_to(const Target& target) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(target.port));
  inet_pton(AF_INET, target.host.c_str(), &address.sin_addr);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 &&
      errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    throw std::system_error(error, std::generic_category(), "connect");
  }
  return fd;
}

}  // namespace

Client::Client(Poller& poller, const Target& target, std::string user, std::string resource)
    : poller_(poller),
      target_(target),
      user_(std::move(user)),
      resource_(std::move(resource)),
      jid_(user_ + "@" + target.domain + "/" + resource_),
      socket_(connect_to(target)),
      scram_(user_, target.password) {
  poller_.watch(socket_, *this, EPOLLIN | EPOLLOUT);
}

Client::~Client() {
  poller_.forget(*this);
  if (socket_ >= 0) close(socket_);
}

void Client::fail(std::string_view why) const {
  throw std::runtime_error(jid_ + ": " + std::string(why) + " (state " +
                           std::to_string(static_cast<int>(state_)) + ")");
}

void Client::send(std::string_view bytes) {
  output_.append(bytes);
  if (!is_flush_queued_) {
    is_flush_queued_ = true;
    poller_.want_flush(*this);
  }
}

void Client::end_stream() {
  state_ = State::kClosing;
  if (target_.is_relay) {
    on_end();
  } else {
    send("</stream:stream>");
  }
}

void Client::watch_for_output(bool is_wanted) {
  if (watches_output_ == is_wanted || socket_ < 0) return;
  watches_output_ = is_wanted;
  poller_.change(socket_, *this, is_wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Client::flush() {
  is_flush_queued_ = false;
  if (socket_ < 0 || state_ == State::kConnecting || state_ == State::kHandshaking) return;
  std::size_t sent = 0;
  while (sent < output_.size()) {
    const auto size = output_.size() - sent;
    const auto count = ssl_ ? SSL_write(ssl_.get(), output_.data() + sent, static_cast<int>(size))
                            : ::send(socket_, output_.data() + sent, size, MSG_NOSIGNAL);
    if (count <= 0) break;  // a full socket, or an error that reading will report
    sent += static_cast<std::size_t>(count);
  }
  output_.erase(0, sent);
  watch_for_output(!output_.empty());
}

void Client::on_events(std::uint32_t events) {
  if (socket_ < 0) return;
  if (state_ == State::kConnecting) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) throw std::system_error(error, std::generic_category(), jid_ + ": connect");
    on_connected();
  } else if (state_ == State::kHandshaking) {
    continue_handshake();
  } else {
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_some();
  }
}

void Client::on_connected() {
  watch_for_output(false);
  if (target_.use_direct_tls) {
    start_tls();
  } else {
    on_secured();
  }
}

void Client::start_tls() {
  state_ = State::kHandshaking;
  ssl_.reset(SSL_new(&shared_tls_context()));
  SSL_set_fd(ssl_.get(), socket_);
  SSL_set_connect_state(ssl_.get());
  SSL_set_tlsext_host_name(ssl_.get(), target_.domain.c_str());
  continue_handshake();
}

void Client::continue_handshake() {
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    is_secure_ = true;
    on_secured();
    return;
  }
  const int error = SSL_get_error(ssl_.get(), result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) fail("TLS handshake failed");
  watch_for_output(error == SSL_ERROR_WANT_WRITE);
}

void Client::on_secured() {
  watch_for_output(false);
  state_ = State::kAwaitingFeatures;
  open_stream();
  if (target_.is_relay) become_ready();
}

void Client::open_stream() {
  scanner_.reset();
  send("<?xml version='1.0'?><stream:stream to='" + target_.domain +
       "' version='1.0' xmlns='jabber:client' "
       "xmlns:stream='http://etherx.jabber.org/streams'>");
}

void Client::read_some() {
  static std::array<char, kReadSize> buffer;
  bool may_have_more = true;
  while (may_have_more && socket_ >= 0) {
    const auto count = ssl_ ? SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))
                            : recv(socket_, buffer.data(), buffer.size(), 0);
    if (count <= 0) {
      const bool is_empty =
          ssl_ ? SSL_get_error(ssl_.get(), static_cast<int>(count)) == SSL_ERROR_WANT_READ
               : count < 0 && (errno == EAGAIN || errno == EINTR);
      if (!is_empty) on_end();
      return;
    }
    may_have_more = ssl_ != nullptr;
    scanner_.append({buffer.data(), static_cast<std::size_t>(count)});
    while (const auto element = scanner_.next()) {
      const bool was_secure = ssl_ != nullptr;
      on_element(*element);
      if (socket_ < 0) return;
      if (!was_secure && ssl_) return;  // the handshake reads for itself
    }
  }
}

void Client::on_end() {
  if (state_ != State::kClosing) fail("the server closed the connection");
  state_ = State::kClosed;
  if (ssl_) SSL_shutdown(ssl_.get());
  close(socket_);
  socket_ = -1;
}

void Client::on_element(std::string_view element) {
  if (state_ == State::kReady) {
    if (is_element(element, "stream:error")) fail(element);
    if (!is_element(element, "stream:stream") && stanza_handler_) stanza_handler_(*this, element);
    return;
  }
  if (state_ == State::kClosing) return;
  if (is_element(element, "stream:stream")) return;
  if (is_element(element, "stream:error") || element.starts_with("</")) fail(element);
  switch (state_) {
    case State::kAwaitingFeatures:
      on_features(element);
      break;
    case State::kAwaitingProceed:
      if (!is_element(element, "proceed")) fail(element);
      start_tls();
      break;
    case State::kAuthenticating:
      on_auth_element(element);
      break;
    case State::kBinding:
    case State::kStartingSession:
      if (is_element(element, "iq")) on_iq_result(element);
      break;
    default:
      break;
  }
}

void Client::on_features(std::string_view features) {
  if (!is_element(features, "stream:features")) fail(features);
  if (target_.use_starttls && !is_secure_) {
    state_ = State::kAwaitingProceed;
    send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  } else if (!is_authenticated_) {
    authenticate(features);
  } else {
    const auto session = features.find("urn:ietf:params:xml:ns:xmpp-session");
    needs_session_ = session != std::string_view::npos &&
                     features.substr(session, 60).find("<optional") == std::string_view::npos;
    state_ = State::kBinding;
    send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" +
         resource_ + "</resource></bind></iq>");
  }
}

void Client::authenticate(std::string_view features) {
  state_ = State::kAuthenticating;
  const std::string begin = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='";
  if (features.find(">SCRAM-SHA-1<") != std::string_view::npos) {
    send(begin + "SCRAM-SHA-1'>" + scram_.first() + "</auth>");
  } else if (features.find(">PLAIN<") != std::string_view::npos) {
    send(begin + "PLAIN'>" + plain_response(user_, target_.password) + "</auth>");
  } else {
    fail("neither SCRAM-SHA-1 nor PLAIN in " + std::string(features));
  }
}

void Client::on_auth_element(std::string_view element) {
  if (is_element(element, "challenge")) {
    const auto begin = element.find('>') + 1;
    const auto challenge = element.substr(begin, element.rfind('<') - begin);
    send("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + scram_.answer(challenge) +
         "</response>");
  } else if (is_element(element, "success")) {
    is_authenticated_ = true;
    state_ = State::kAwaitingFeatures;
    open_stream();
  } else {
    fail(element);
  }
}

void Client::on_iq_result(std::string_view iq) {
  if (attribute(iq, "type") != "result") fail(iq);
  if (state_ == State::kBinding) {
    const auto jid = text_of(iq, "jid");
    if (!jid.empty()) jid_ = jid;
    if (needs_session_) {
      state_ = State::kStartingSession;
      send(
          "<iq type='set' id='session'>"
          "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
      return;
    }
  }
  become_ready();
}

void Client::become_ready() { state_ = State::kReady; }

}  // namespace impulse::bench
