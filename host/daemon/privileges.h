// Becoming an ordinary user once the ports are open, and the limits of the process.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace impulse::daemon {

/// Whom the server becomes.
struct Identity {
  std::string user;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// The identity that Security { user group } asks for; nullopt when none is asked for, or when we
/// are it already. Names or numbers. kNotFound for an unknown one; kDenied when we are not root
/// and so cannot become it.
Result<std::optional<Identity>> find_identity(const std::string& user, const std::string& group);

/// Gives `paths` (those that exist) to the identity, so that it can go on using them. A directory
/// is given with the files directly in it.
Result<void> give_files(const Identity& identity, const std::vector<std::string>& paths);

/// Becomes the identity for good: its groups, its ids, no capability. Core files stay possible.
/// Must be called while there is one thread only, or by glibc's all-threads setuid; main thread.
Result<void> become(const Identity& identity);

/// As many descriptors as the system permits, no SIGPIPE, core files allowed.
void set_process_limits();

}  // namespace impulse::daemon
