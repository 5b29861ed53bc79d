// The host's option tables, and reading their values.
#include "host/daemon/core_options.h"

#include <string_view>

#include "host/config/option_table.h"
#include "host/config/scope.h"

namespace impulse::daemon {

namespace {

using config::Apply;
using config::Option;
using config::OptionTable;

constexpr std::string_view kGlobal[] = {""};
constexpr std::string_view kSecurity[] = {"security"};
constexpr std::string_view kEventLoop[] = {"eventloop"};
constexpr std::string_view kThreadPool[] = {"threadpool"};
constexpr std::string_view kDatasource[] = {"datasource"};
constexpr std::string_view kControlListen[] = {"control_listener", "control_listener::listen"};
constexpr std::string_view kLevels[] = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"};

constexpr Option<GlobalOptions> kGlobalOptions[] = {
    {"pid_file",
     &GlobalOptions::pid_file,
     kGlobal,
     "File that holds the process id and keeps a second instance away; \"\" = none.",
     {},
     Apply::kRestart},
    {"log_file",
     &GlobalOptions::log_file,
     kGlobal,
     "File for the server's own log; \"\" = standard error in the foreground, else "  //
     IMPULSE_LOG_DIRECTORY "/impulsed.log.",
     {},
     Apply::kRestart},
    {"state_directory",
     &GlobalOptions::state_directory,
     kGlobal,
     "Directory for what the server keeps itself, such as the embedded database.",
     {},
     Apply::kRestart},
    {"debug_level",
     &GlobalOptions::debug_level,
     kGlobal,
     "Lowest severity that the host itself writes to the log.",
     {},
     Apply::kLive,
     kLevels},
};
constexpr Option<SecurityOptions> kSecurityOptions[] = {
    {"user",
     &SecurityOptions::user,
     kSecurity,
     "User that the server becomes once its ports are open; \"\" = stays who it is.",
     {},
     Apply::kRestart},
    {"group",
     &SecurityOptions::group,
     kSecurity,
     "Group that the server becomes a member of; \"\" = the user's own.",
     {},
     Apply::kRestart},
};
constexpr Option<EventLoopOptions> kEventLoopOptions[] = {
    {"concurrency",
     &EventLoopOptions::concurrency,
     kEventLoop,
     "Number of event loops, each a thread; 0 = one for each processor.",
     {0, 1024},
     Apply::kRestart},
};
constexpr Option<ThreadPoolOptions> kThreadPoolOptions[] = {
    {"concurrency",
     &ThreadPoolOptions::concurrency,
     kThreadPool,
     "Number of threads in this pool for blocking work.",
     {1, 1024},
     Apply::kRestart},
};
constexpr Option<DatasourceOptions> kDatasourceOptions[] = {
    {"uri",
     &DatasourceOptions::uri,
     kDatasource,
     "Databases as driver:rest; the first that can be opened is used.",
     {},
     Apply::kRestart},
};
constexpr Option<ControlListenOptions> kControlListenOptions[] = {
    {"file_mode",
     &ControlListenOptions::file_mode,
     kControlListen,
     "Permissions of the console's socket file, in octal; who may write may command.",
     {0, 0777}},
};

const OptionTable& global_table() {
  static const OptionTable table = config::make_table("global", kGlobalOptions);
  return table;
}
const OptionTable& security_table() {
  static const OptionTable table = config::make_table("security", kSecurityOptions);
  return table;
}
const OptionTable& event_loop_table() {
  static const OptionTable table = config::make_table("eventloop", kEventLoopOptions);
  return table;
}
const OptionTable& thread_pool_table() {
  static const OptionTable table = config::make_table("threadpool", kThreadPoolOptions);
  return table;
}
const OptionTable& datasource_table() {
  static const OptionTable table = config::make_table("datasource", kDatasourceOptions);
  return table;
}
const OptionTable& control_listen_table() {
  static const OptionTable table = config::make_table("control_listener", kControlListenOptions);
  return table;
}

}  // namespace

config::SchemaPart core_schema() {
  using config::Naming;
  config::SchemaPart part;
  part.provider = "host";
  part.stanzas = {
      {.type = "security", .parents = {""}, .help = "Who the server becomes after its start."},
      {.type = "eventloop",
       .parents = {""},
       .naming = Naming::kOptional,
       .help = "The threads that carry connections."},
      {.type = "threadpool",
       .parents = {""},
       .naming = Naming::kRequired,
       .help = "Threads for work that blocks; \"CPU\" and \"IO\" exist without a stanza."},
      {.type = "datasource",
       .parents = {""},
       .naming = Naming::kRequired,
       .help = "A database, used by its name."},
      {.type = "control_listener", .parents = {""}, .help = "Sockets of the console, impulsectl."},
      {.type = "listen",
       .parents = {"control_listener"},
       .naming = Naming::kRequired,
       .help = "An address to listen on."},
  };
  part.tables = {global_table(),      security_table(),   event_loop_table(),
                 thread_pool_table(), datasource_table(), control_listen_table()};
  return part;
}

CoreSettings read_core(const config::Node& root) {
  CoreSettings core;
  core.global = config::resolve<GlobalOptions>(global_table(), {&root});
  if (const config::Node* security = root.child("security")) {
    core.security = config::resolve<SecurityOptions>(security_table(), {security});
  }
  for (const config::Node* loop : root.all("eventloop")) {
    core.loops += config::resolve<EventLoopOptions>(event_loop_table(), {loop}).concurrency;
  }
  for (const config::Node* pool : root.all("threadpool")) {
    core.pools.emplace_back(
        pool->name, config::resolve<ThreadPoolOptions>(thread_pool_table(), {pool}).concurrency);
  }
  for (const config::Node* source : root.all("datasource")) {
    core.datasources.push_back(
        {source->name, config::resolve<DatasourceOptions>(datasource_table(), {source}).uri});
  }
  for (const config::Node* listener : root.all("control_listener")) {
    for (const config::Node* listen : listener->all("listen")) {
      const auto options =
          config::resolve<ControlListenOptions>(control_listen_table(), {listen, listener});
      core.control.push_back({listen->name, options.file_mode.bits});
    }
  }
  return core;
}

std::string driver_module(const std::string& uri) { return "ds_" + uri.substr(0, uri.find(':')); }

}  // namespace impulse::daemon
