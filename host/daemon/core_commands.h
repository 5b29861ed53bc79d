// Console commands of the host: version, help, config, module, logs, shutdown.
#pragma once

#include <string>

#include "host/module/hook.h"

namespace impulse::daemon {

class Daemon;

/// `daemon` must outlive the registrations. Main thread.
void add_core_commands(Daemon& daemon, Registrations& registrations);

}  // namespace impulse::daemon
