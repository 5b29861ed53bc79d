// The console's listening sockets: who may speak, one request for each connection.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/control/command.h"
#include "host/event/loop.h"
#include "host/net/listener.h"

namespace impulse::control {

/// One socket to listen on.
struct Endpoint {
  std::string path;
  unsigned file_mode = 0660;
};

/// Who is at the other end of a Unix socket, as the kernel says.
struct Caller {
  uid_t uid = 0;
  std::vector<gid_t> groups;  ///< its primary and supplementary ones
};
/// root and the server's own user may always; a member of the socket's group, or anyone, where the
/// file mode lets them write.
bool may_command(const Caller& caller, uid_t own_uid, gid_t socket_group, unsigned file_mode);

/// Serves console commands on Unix sockets. Main thread.
class ControlSocket {
 public:
  ControlSocket(event::Loop& loop, CommandTable& commands);
  ~ControlSocket();

  /// Sockets that a new configuration wants and that are not open yet.
  struct Prepared {
    std::vector<Endpoint> endpoints;
    std::vector<net::BoundSocket> bound;
  };
  Result<Prepared> prepare(std::vector<Endpoint> endpoints) const;
  /// Opens the prepared ones and closes those that are no longer wanted.
  void commit(Prepared prepared);
  /// Paths that are open now.
  std::vector<std::string> paths() const;

 private:
  class Connection;
  class Acceptor;
  struct Shared;
  std::shared_ptr<Shared> shared_;  // owners: this, and (weakly) the replies under way
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace impulse::control
