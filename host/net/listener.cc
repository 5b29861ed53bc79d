// Listening sockets: binding with care for what is there, accepting and spreading.
#include "host/net/listener.h"

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "host/base/check.h"
#include "host/base/log.h"

namespace impulse::net {
namespace {

log::Source net_log("net");

constexpr int kAcceptsAtATime = 64;
constexpr auto kPause = std::chrono::milliseconds(100);
constexpr std::uint64_t kLogEveryMs = 60'000;

std::string reason(int error) { return std::generic_category().message(error); }

Error unavailable(const std::string& name, const std::string& what) {
  return {ErrorCode::kUnavailable, "listen address '" + name + "' " + what};
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Removes the file of a Unix socket on which nobody listens any more.
Result<void> remove_stale(const std::string& name, const Address& address) {
  struct stat status = {};
  if (::lstat(name.c_str(), &status) != 0) return {};  // bind() will tell what else is wrong
  if (!S_ISSOCK(status.st_mode)) {
    return Error{ErrorCode::kExists, "listen address '" + name +
                                         "' is a file that is no socket; remove it or choose "
                                         "another path"};
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe) return unavailable(name, "cannot be tested: " + reason(errno));
  const bool connected = ::connect(probe.get(), address.raw(), address.length()) == 0;
  const int error = errno;
  if (connected || error == EAGAIN) {
    return Error{ErrorCode::kExists, "listen address '" + name +
                                         "' is in use by a process that listens there; stop it or "
                                         "choose another path"};
  }
  if (error != ECONNREFUSED && error != ENOENT) {
    return unavailable(name, "exists and cannot be tested for a listener: " + reason(error));
  }
  if (::unlink(name.c_str()) != 0 && errno != ENOENT) {
    return unavailable(name, "is stale and cannot be removed: " + reason(errno));
  }
  return {};
}

}  // namespace

Result<BoundSocket> BoundSocket::bind(const std::string& listen_name,
                                      const SocketOptions& options) {
  auto address = Address::parse_listen(listen_name);
  if (!address) return std::move(address).error();
  BoundSocket socket;
  socket.name_ = listen_name;
  socket.address_ = *address;
  socket.options_ = options;
  if (auto opened = socket.open(); !opened) return std::move(opened).error();
  return socket;
}

Result<void> BoundSocket::open() {
  UniqueFd fd(::socket(address_.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return unavailable(name_, "cannot be opened: " + reason(errno));

  // Accepted sockets inherit these, so that accepting costs one system call.
  bool set = true;
  if (options_.receive_buffer > 0) {
    set = set && set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, options_.receive_buffer);
  }
  if (options_.send_buffer > 0) {
    set = set && set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, options_.send_buffer);
  }
  if (!address_.is_unix()) {
    set = set && set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (options_.disable_nagle) set = set && set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  }
  // "*:5222" and "[*]:5222" may stand beside each other.
  if (address_.family() == AF_INET6) {
    set = set && set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  if (!set) return unavailable(name_, "cannot be given its socket options: " + reason(errno));

  if (address_.is_unix()) {
    if (auto removed = remove_stale(name_, address_); !removed) return removed;
  }
  if (::bind(fd.get(), address_.raw(), address_.length()) != 0) {
    const int error = errno;
    return unavailable(name_, "cannot be bound: " + reason(error) +
                                  (error == EADDRINUSE ? "; another process listens there"
                                   : error == EACCES   ? "; this process may not"
                                                       : ""));
  }
  if (address_.is_unix()) {
    // Nobody can connect before listen(), so the moment between bind() and chmod() shows nothing.
    struct stat status = {};
    if (::chmod(name_.c_str(), static_cast<mode_t>(options_.file_mode)) != 0 ||
        ::lstat(name_.c_str(), &status) != 0) {
      return unavailable(name_, "cannot be given its file mode: " + reason(errno));
    }
    file_device_ = status.st_dev;
    file_inode_ = status.st_ino;
  } else {
    sockaddr_storage bound = {};
    socklen_t length = sizeof bound;
    if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &length) == 0) {
      address_ = Address(reinterpret_cast<const sockaddr*>(&bound), length);
    }
  }
  if (::listen(fd.get(), options_.backlog) != 0) {
    return unavailable(name_, "cannot be listened on: " + reason(errno));
  }
  fd_ = std::move(fd);
  return {};
}

BoundSocket::BoundSocket(BoundSocket&& other) noexcept
    : name_(other.name_),
      address_(other.address_),
      options_(other.options_),
      fd_(std::move(other.fd_)),
      file_device_(other.file_device_),
      file_inode_(std::exchange(other.file_inode_, 0)) {}

BoundSocket& BoundSocket::operator=(BoundSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  name_ = other.name_;
  address_ = other.address_;
  options_ = other.options_;
  fd_ = std::move(other.fd_);
  file_device_ = other.file_device_;
  file_inode_ = std::exchange(other.file_inode_, 0);
  return *this;
}

BoundSocket::~BoundSocket() { close(); }

void BoundSocket::close() {
  // Another process may have replaced the file; then it is not ours to remove.
  struct stat status = {};
  if (file_inode_ != 0 && ::lstat(name_.c_str(), &status) == 0 && status.st_ino == file_inode_ &&
      status.st_dev == file_device_) {
    ::unlink(name_.c_str());
  }
  file_inode_ = 0;
  fd_.reset();
}

struct Listener::State {
  State(event::LoopGroup& l, BoundSocket s, AcceptHandler h);
  void watch();
  void accept_some();
  void hand_over(UniqueFd fd, const Address& peer);
  void pause(int error);

  event::LoopGroup& loops;
  BoundSocket socket;
  // Owners: this, and connections that are on their way to their loop.
  std::shared_ptr<const AcceptHandler> handler;
  Owned<::event, &event_free> readable;
  event::Timer pausing;
  unsigned next = 0;
  std::uint64_t logged_ms = 0;
};

Listener::State::State(event::LoopGroup& l, BoundSocket s, AcceptHandler h)
    : loops(l),
      socket(std::move(s)),
      handler(std::make_shared<const AcceptHandler>(std::move(h))),
      readable(event_new(
          loops.main().base(), socket.fd(), EV_READ | EV_PERSIST,
          [](int, short, void* self) { static_cast<State*>(self)->accept_some(); }, this)) {
  watch();
}

void Listener::State::watch() {
  IMPULSE_CHECK(readable != nullptr && event_add(readable.get(), nullptr) == 0);
}

void Listener::State::accept_some() {
  static_cast<void>(loops.main().now_ms());  // the turn has begun
  for (int i = 0; i < kAcceptsAtATime; ++i) {
    sockaddr_storage peer = {};
    socklen_t length = sizeof peer;
    UniqueFd fd(::accept4(socket.fd(), reinterpret_cast<sockaddr*>(&peer), &length,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      hand_over(std::move(fd), Address(reinterpret_cast<const sockaddr*>(&peer), length));
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EBADF:
      case EFAULT:
      case EINVAL:
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        pause(errno);
        return;
      default:
        break;  // that one connection was lost before we came (accept(2), "Error handling")
    }
  }
}

void Listener::State::hand_over(UniqueFd fd, const Address& peer) {
  event::Loop& loop = loops.at(next++ % loops.size());
  loop.post([handler = handler, &loop, fd = std::move(fd), peer]() mutable {
    (*handler)(loop, std::move(fd), peer);
  });
}

void Listener::State::pause(int error) {
  event_del(readable.get());
  pausing = loops.main().after(kPause, [this] { watch(); });
  const std::uint64_t now = loops.main().now_ms();
  if (logged_ms != 0 && now - logged_ms < kLogEveryMs) return;
  logged_ms = now;
  LOG(net_log, kError, "accept_paused", {"listen", socket.name()}, {"reason", reason(error)});
}

Listener::Listener(event::LoopGroup& loops, BoundSocket socket, AcceptHandler handler)
    : state_(std::make_unique<State>(loops, std::move(socket), std::move(handler))) {}

Listener::~Listener() = default;

void Listener::set_handler(AcceptHandler handler) {
  state_->handler = std::make_shared<const AcceptHandler>(std::move(handler));
}

const std::string& Listener::name() const { return state_->socket.name(); }
const SocketOptions& Listener::options() const { return state_->socket.options(); }
const Address& Listener::address() const { return state_->socket.address(); }

}  // namespace impulse::net
