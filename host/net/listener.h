// Listening sockets: bind, accept on several loops, keep across reloads what did not change.
#pragma once

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
  /// Binds and listens. A stale Unix socket file is replaced; a live one is an error.
  static Result<BoundSocket> bind(const std::string& listen_name, const SocketOptions& options);
  BoundSocket(BoundSocket&&) noexcept = default;
  BoundSocket& operator=(BoundSocket&&) noexcept = default;
  ~BoundSocket();

  const std::string& name() const { return name_; }
  const Address& address() const { return address_; }
  const SocketOptions& options() const { return options_; }
  int fd() const { return fd_.get(); }

 private:
  BoundSocket() = default;
  std::string name_;
  Address address_;
  SocketOptions options_;
  UniqueFd fd_;
};

/// Accepts on all loops of a group from one socket (each loop watches it with EPOLLEXCLUSIVE or
/// takes a share). Out of descriptors: pauses for 100 ms instead of spinning. Main thread.
class Listener {
 public:
  Listener(event::LoopGroup& loops, BoundSocket socket, AcceptHandler handler);
  ~Listener();  ///< closes the socket; accepted connections go on

  /// Replaces the handler for connections accepted from now on (a new generation).
  void set_handler(AcceptHandler handler);
  const std::string& name() const;
  const SocketOptions& options() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // owners: this, and the tasks on each loop that watch it
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
