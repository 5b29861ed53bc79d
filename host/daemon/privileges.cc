// Finding the identity, giving it its files, becoming it.
#include "host/daemon/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "host/base/owned.h"

namespace impulse::daemon {

namespace {

std::optional<unsigned> as_number(const std::string& text) {
  unsigned number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || at != end || error != std::errc()) return std::nullopt;
  return number;
}

Error system_error(const std::string& what) {
  return Error{ErrorCode::kUnavailable, what + ": " + std::strerror(errno)};
}

Result<void> give(const Identity& identity, const std::filesystem::path& path) {
  // Never through a symbolic link: the directory may belong to others already.
  if (::lchown(path.c_str(), identity.uid, identity.gid) != 0 && errno != ENOENT) {
    return system_error("giving " + path.string() + " to " + identity.user);
  }
  return {};
}

}  // namespace

Result<std::optional<Identity>> find_identity(const std::string& user, const std::string& group) {
  if (user.empty() && group.empty()) return std::optional<Identity>();
  Identity identity{.user = user.empty() ? std::to_string(::geteuid()) : user,
                    .uid = ::geteuid(),
                    .gid = ::getegid()};
  if (!user.empty()) {
    const auto number = as_number(user);
    const passwd* entry = number ? ::getpwuid(*number) : ::getpwnam(user.c_str());
    if (entry == nullptr) {
      return Error{ErrorCode::kNotFound, "Security: there is no user '" + user + "'"};
    }
    identity.user = entry->pw_name;
    identity.uid = entry->pw_uid;
    identity.gid = entry->pw_gid;
  }
  if (!group.empty()) {
    const auto number = as_number(group);
    const ::group* entry = number ? ::getgrgid(*number) : ::getgrnam(group.c_str());
    if (entry == nullptr) {
      return Error{ErrorCode::kNotFound, "Security: there is no group '" + group + "'"};
    }
    identity.gid = entry->gr_gid;
  }
  if (identity.uid == ::geteuid() && identity.gid == ::getegid()) return std::optional<Identity>();
  if (::geteuid() != 0) {
    return Error{ErrorCode::kDenied, "Security: only root can become user '" + identity.user +
                                         "' with its group; start as root, or leave the stanza "
                                         "out"};
  }
  return std::optional<Identity>(identity);
}

Result<void> give_files(const Identity& identity, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (path.empty()) continue;
    if (auto given = give(identity, path); !given) return given;
    std::error_code ignored;
    if (!std::filesystem::is_directory(path, ignored)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
      if (auto given = give(identity, entry.path()); !given) return given;
    }
  }
  return {};
}

Result<void> become(const Identity& identity) {
  if (::initgroups(identity.user.c_str(), identity.gid) != 0) return system_error("initgroups");
  if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) return system_error("setresgid");
  if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) return system_error("setresuid");
  if (identity.uid != 0) {
    // The kernel drops them at setuid; this also covers file and securebits oddities.
    Owned<_cap_struct, &cap_free> none(cap_init());
    if (none == nullptr || cap_set_proc(none.get()) != 0) return system_error("cap_set_proc");
    if (::setuid(0) == 0) {
      return Error{ErrorCode::kDenied, "root could be regained after dropping privileges"};
    }
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  return {};
}

void set_process_limits() {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files = {};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  rlimit core = {};
  if (::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur < core.rlim_max) {
    core.rlim_cur = core.rlim_max;
    ::setrlimit(RLIMIT_CORE, &core);
  }
}

}  // namespace impulse::daemon
