// All rooms of the host in one object, in the order in which they depend on each other.
#pragma once

#include "host/aaa/password_store.h"
#include "host/control/command.h"
#include "host/control/socket.h"
#include "host/event/loop.h"
#include "host/event/pool.h"
#include "host/host.h"
#include "host/module/services.h"
#include "host/net/listener.h"
#include "host/net/tls.h"
#include "host/store/datasource.h"

namespace impulse::daemon {

/// Main thread; what each room permits beyond that, it says itself.
struct Rooms {
  explicit Rooms(unsigned loop_count) : loops(loop_count) {}

  event::LoopGroup loops;
  event::PoolSet pools;
  net::ListenerSet listeners;
  net::TlsContexts tls;
  store::Datasources datasources;
  aaa::PasswordStores passwords;
  control::CommandTable commands;
  Services services;
  control::ControlSocket control{loops.main(), commands};
  Host host{.loops = loops,
            .pools = pools,
            .listeners = listeners,
            .tls = tls,
            .datasources = datasources,
            .passwords = passwords,
            .commands = commands,
            .services = services,
            .module_directory = {},
            .scriptlet_directory = {},
            .state_directory = {}};
};

}  // namespace impulse::daemon
