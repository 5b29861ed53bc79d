// Listening sockets: bind, accept on several loops, keep across reloads what did not change.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/base/owned.h"
#include "host/base/result.h"
#include "host/event/loop.h"
#include "host/net/address.h"

namespace impulse::net {

/// Options of one listening socket (reference 3.2). Regular value.
struct SocketOptions {
  int backlog = 500;
  unsigned file_mode = 0660;
  bool disable_nagle = false;
  int receive_buffer = 0;  ///< SO_RCVBUF in bytes; 0 = the system's
  int send_buffer = 0;     ///< SO_SNDBUF in bytes; 0 = the system's
  bool operator==(const SocketOptions&) const = default;
};

/// Called on a connection's loop with a fresh, non-blocking socket.
using AcceptHandler = std::function<void(event::Loop&, UniqueFd, Address peer)>;

/// A bound and listening socket, not yet accepting.
class BoundSocket {
 public:
  /// Binds and listens. A stale Unix socket file is replaced; a live one is an error. Port 0 takes
  /// a free one, which address() tells.
  static Result<BoundSocket> bind(const std::string& listen_name, const SocketOptions& options);
  BoundSocket(BoundSocket&& other) noexcept;
  BoundSocket& operator=(BoundSocket&& other) noexcept;
  ~BoundSocket();  ///< a Unix socket's file goes too, if it still is this one's

  const std::string& name() const { return name_; }
  const Address& address() const { return address_; }
  const SocketOptions& options() const { return options_; }
  int fd() const { return fd_.get(); }

 private:
  BoundSocket() = default;
  Result<void> open();
  void close();

  std::string name_;
  Address address_;
  SocketOptions options_;
  UniqueFd fd_;
  dev_t file_device_ = 0;  // of the Unix socket's file, to recognise it
  ino_t file_inode_ = 0;
};

/// Accepts on the main loop and gives the connections to the group's loops in turn. One acceptor
/// spreads them evenly, which several that race for one socket do not; accepting is a small part
/// of what a connection costs. Out of descriptors: pauses for 100 ms instead of spinning. Main
/// thread.
class Listener {
 public:
  Listener(event::LoopGroup& loops, BoundSocket socket, AcceptHandler handler);
  ~Listener();  ///< closes the socket; accepted connections go on

  /// Replaces the handler for connections accepted from now on (a new generation).
  void set_handler(AcceptHandler handler);
  const std::string& name() const;
  const SocketOptions& options() const;
  const Address& address() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// What is listening now; for `summary` and for tests. Main thread.
class ListenerSet {
 public:
  void add(Listener* listener) { listeners_.push_back(listener); }
  void remove(Listener* listener) { std::erase(listeners_, listener); }
  const std::vector<Listener*>& all() const { return listeners_; }

 private:
  std::vector<Listener*> listeners_;
};

}  // namespace impulse::net
