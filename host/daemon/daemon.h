// The running server: starts rooms and modules, replaces generations, shuts down.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/base/guard.h"
#include "host/base/result.h"
#include "host/daemon/arguments.h"
#include "host/daemon/background.h"
#include "host/daemon/configuration.h"
#include "host/daemon/core_settings.h"
#include "host/daemon/pid_file.h"
#include "host/daemon/privileges.h"
#include "host/daemon/rooms.h"
#include "host/daemon/signals.h"
#include "host/module/descriptor.h"
#include "host/module/loader.h"

namespace impulse::daemon {

/// One process has one. Main thread.
class Daemon {
 public:
  /// `first` is the checked configuration to begin with; `loader` has its modules loaded.
  Daemon(const Arguments& arguments, Loader& loader,
         std::shared_ptr<const config::Generation> first);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Starts everything, serves until it is told to stop, ends in order. The exit status.
  int run();

  /// Reads `file` ("" = the present one) and puts it into effect as a whole, or leaves all as it
  /// is. The text is for the console.
  Result<std::string> reload(const std::string& file);
  /// Log files are opened anew: the server's own, then those of modules.
  Result<void> reopen_logs();
  /// Stops the modules, then the loops. The second call does not wait for good-byes.
  void shut_down();

  const std::shared_ptr<const config::Generation>& generation() const { return generation_; }
  Loader& loader() { return loader_; }
  Rooms& rooms() { return rooms_; }
  std::chrono::seconds uptime() const;

 private:
  /// All that a generation has made ready.
  struct Next {
    std::vector<std::unique_ptr<impulse::Prepared>> modules;
    control::ControlSocket::Prepared control;
  };

  Result<void> start();
  Result<void> open_files(const CoreSettings& core);
  Result<void> open_log(const CoreSettings& core);
  Result<void> open_datasources(const CoreSettings& core);
  Result<Next> prepare(const std::shared_ptr<const config::Generation>& generation,
                       const CoreSettings& core);
  void commit(Next next, std::shared_ptr<const config::Generation> generation,
              const CoreSettings& core);
  Result<void> drop_privileges(const CoreSettings& core);
  void on_signal(int signal);
  void stop_modules_before(std::size_t count);
  void end();

  Arguments arguments_;
  Loader& loader_;
  std::shared_ptr<const config::Generation> generation_;
  Background background_;
  PidFile pid_file_;
  std::string log_file_;
  Rooms rooms_;
  Registrations registrations_;
  std::unique_ptr<Signals> signals_;
  event::Timer stop_deadline_;
  Guard guard_;
  std::chrono::steady_clock::time_point started_at_ = std::chrono::steady_clock::now();
  int exit_status_ = 0;
  bool is_serving_ = false;
  bool is_stopping_ = false;
};

}  // namespace impulse::daemon
