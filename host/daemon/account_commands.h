// Console commands for accounts: user add, passwd, delete, list.
#pragma once

#include "host/module/hook.h"

namespace impulse::daemon {

class Daemon;

/// `daemon` must outlive the registrations. Main thread.
void add_account_commands(Daemon& daemon, Registrations& registrations);

}  // namespace impulse::daemon
