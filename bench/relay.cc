// bench/relay: a floor to compare with; passes bytes between pairs of connections.
#include <arpa/inet.h>
#include <expat.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr const char* kUsage =
    "usage: relay [--certificate PEM] [--parse | --sink]\n"
    "  --certificate PEM  speak TLS with this certificate and key\n"
    "  --parse            parse the bytes with expat before they are passed on\n"
    "  --sink             swallow what is received\n"
    "It prints \"listening PORT\" and passes bytes between the first and second connection, the\n"
    "third and fourth, and so on.\n";

struct Options {
  std::string certificate;
  bool parses = false;
  bool is_sink = false;
};

void count_start(void* elements, const XML_Char*, const XML_Char**) {
  ++*static_cast<long*>(elements);
}
void count_end(void* elements, const XML_Char*) { ++*static_cast<long*>(elements); }
void count_text(void* elements, const XML_Char*, int length) {
  *static_cast<long*>(elements) += length;
}

/// One accepted connection.
struct Connection {
  int socket = -1;
  SSL* ssl = nullptr;
  XML_Parser parser = nullptr;
  Connection* partner = nullptr;
  bool is_secured = true;
  bool is_closed = false;
  bool watches_output = false;
  long elements = 0;
  std::string output;

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    SSL_free(ssl);
    if (parser != nullptr) XML_ParserFree(parser);
    close(socket);
  }
};

/// The relay. Thread: the only one.
class Relay {
 public:
  explicit Relay(Options options) : options_(std::move(options)) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (!options_.certificate.empty()) load_certificate();
    listen_somewhere();
  }

  [[noreturn]] void run() {
    while (true) {
      std::array<epoll_event, 256> events;
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        auto* connection = static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else if (!connection->is_closed) {
          on_events(*connection, events[static_cast<std::size_t>(i)].events);
        }
      }
      bury_closed();
    }
  }

 private:
  void load_certificate() {
    tls_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(tls_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                               SSL_MODE_RELEASE_BUFFERS);
    const char* pem = options_.certificate.c_str();
    if (SSL_CTX_use_certificate_chain_file(tls_, pem) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls_, pem, SSL_FILETYPE_PEM) != 1) {
      std::fprintf(stderr, "relay: no certificate and key in %s\n", pem);
      std::exit(1);
    }
  }

  void listen_somewhere() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) < 0 ||
        listen(listener_, SOMAXCONN) < 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
      std::perror("relay");
      std::exit(1);
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
    std::printf("listening %d\n", ntohs(address.sin_port));
    std::fflush(stdout);
  }

  void accept_all() {
    while (true) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto& connection = *connections_.emplace_back(std::make_unique<Connection>());
      connection.socket = fd;
      if (tls_ != nullptr) {
        connection.ssl = SSL_new(tls_);
        SSL_set_fd(connection.ssl, fd);
        SSL_set_accept_state(connection.ssl);
        connection.is_secured = false;
      }
      if (options_.parses) make_parser(connection);
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      if (!options_.is_sink) pair(connection);
    }
  }

  static void make_parser(Connection& connection) {
    connection.parser = XML_ParserCreateNS("UTF-8", '|');
    XML_SetUserData(connection.parser, &connection.elements);
    XML_SetElementHandler(connection.parser, count_start, count_end);
    XML_SetCharacterDataHandler(connection.parser, count_text);
  }

  void pair(Connection& connection) {
    if (unpaired_ == nullptr) {
      unpaired_ = &connection;
      return;
    }
    connection.partner = unpaired_;
    unpaired_->partner = &connection;
    unpaired_ = nullptr;
    connection.output = std::exchange(early_, {});
    if (connection.is_secured) flush(connection);
  }

  void on_events(Connection& connection, std::uint32_t events) {
    if (!connection.is_secured) {
      const int result = SSL_do_handshake(connection.ssl);
      if (result != 1) {
        const int error = SSL_get_error(connection.ssl, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) end(connection);
        return;
      }
      connection.is_secured = true;
      flush(connection);
    }
    if ((events & EPOLLOUT) != 0) flush(connection);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) pass_on(connection);
  }

  void pass_on(Connection& from) {
    static std::array<char, 65536> buffer;
    while (!from.is_closed) {
      const auto count = from.ssl != nullptr
                             ? SSL_read(from.ssl, buffer.data(), static_cast<int>(buffer.size()))
                             : recv(from.socket, buffer.data(), buffer.size(), 0);
      if (count <= 0) {
        const bool is_empty =
            from.ssl != nullptr
                ? SSL_get_error(from.ssl, static_cast<int>(count)) == SSL_ERROR_WANT_READ
                : count < 0 && (errno == EAGAIN || errno == EINTR);
        if (!is_empty) end(from);
        return;
      }
      if (from.parser != nullptr &&
          XML_Parse(from.parser, buffer.data(), static_cast<int>(count), 0) != XML_STATUS_OK) {
        end(from);
        return;
      }
      if (!options_.is_sink) deliver(from, {buffer.data(), static_cast<std::size_t>(count)});
      if (from.ssl == nullptr || SSL_has_pending(from.ssl) == 0) return;
    }
  }

  void deliver(Connection& from, std::string_view bytes) {
    if (from.partner == nullptr) {
      early_.append(bytes);
      return;
    }
    auto& to = *from.partner;
    if (to.is_secured && to.output.empty()) bytes.remove_prefix(write_some(to, bytes));
    if (bytes.empty()) return;
    to.output.append(bytes);
    watch_for_output(to, to.is_secured);
  }

  void flush(Connection& to) {
    to.output.erase(0, write_some(to, to.output));
    watch_for_output(to, !to.output.empty());
  }

  static std::size_t write_some(Connection& to, std::string_view bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const auto left = bytes.substr(sent);
      const auto count = to.ssl != nullptr
                             ? SSL_write(to.ssl, left.data(), static_cast<int>(left.size()))
                             : ::send(to.socket, left.data(), left.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      sent += static_cast<std::size_t>(count);
    }
    return sent;
  }

  void watch_for_output(Connection& connection, bool is_wanted) const {
    if (connection.watches_output == is_wanted) return;
    connection.watches_output = is_wanted;
    epoll_event event{.events = is_wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
                      .data = {.ptr = &connection}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
  }

  void end(Connection& connection) {
    for (auto* side : {&connection, connection.partner}) {
      if (side == nullptr) continue;
      side->is_closed = true;
      shutdown(side->socket, SHUT_RDWR);
      has_closed_ = true;
      if (unpaired_ == side) {
        unpaired_ = nullptr;
        early_.clear();
      }
    }
  }

  void bury_closed() {
    if (!has_closed_) return;
    has_closed_ = false;
    std::erase_if(connections_, [](const auto& connection) { return connection->is_closed; });
  }

  Options options_;
  int epoll_ = -1;
  int listener_ = -1;
  SSL_CTX* tls_ = nullptr;
  Connection* unpaired_ = nullptr;
  std::string early_;  ///< what `unpaired_` sent so far
  bool has_closed_ = false;
  std::vector<std::unique_ptr<Connection>> connections_;
};

Options parse(int argc, char** argv) {
  enum { kCertificate, kParse, kSink };
  static const option known[] = {
      {"certificate", required_argument, nullptr, kCertificate},
      {"parse", no_argument, nullptr, kParse},
      {"sink", no_argument, nullptr, kSink},
      {nullptr, 0, nullptr, 0},
  };
  Options options;
  for (int found = 0; (found = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (found) {
      case kCertificate:
        options.certificate = optarg;
        break;
      case kParse:
        options.parses = true;
        break;
      case kSink:
        options.is_sink = true;
        break;
      default:
        std::fputs(kUsage, stderr);
        std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Relay(parse(argc, argv)).run();
}
