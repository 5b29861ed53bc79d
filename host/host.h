// Host: the one door through which a module reaches everything that it may use.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/config/generation.h"
#include "host/module/hook.h"

namespace impulse {

namespace event {
class LoopGroup;
class PoolSet;
}  // namespace event
namespace net {
class ListenerSet;
class TlsContexts;
}  // namespace net
namespace store {
class Datasources;
}
namespace aaa {
class PasswordStores;
}
namespace control {
class CommandTable;
}
class Services;

/// References to the rooms of the host, filled in by main before any module starts. Lives longer
/// than every module. The rooms say for themselves which thread may call them.
class Host {
 public:
  event::LoopGroup& loops;          ///< the event loops; loops.main() runs the main thread
  event::PoolSet& pools;            ///< named threads for blocking work
  net::ListenerSet& listeners;      ///< listening sockets
  net::TlsContexts& tls;            ///< TLS contexts by their options
  store::Datasources& datasources;  ///< databases by name
  aaa::PasswordStores& passwords;   ///< password stores by uri
  control::CommandTable& commands;  ///< console commands
  Services& services;               ///< what modules publish to each other

  std::string module_directory;     ///< where the .so files are
  std::string scriptlet_directory;  ///< where our own scriptlets are
  std::string state_directory;      ///< option State_Directory

  /// Run on the main thread when log files have been moved away (SIGHUP, `reopen logs`).
  Hook<> reopen_logs{"reopen_logs"};
  /// A module appends the files that it made in prepare(), so that they are given to the user the
  /// server becomes (Security). Main thread.
  std::vector<std::string> created_files = {};
};

}  // namespace impulse
