// The host's own part of the configuration language: its stanzas, its options and their structs.
#include "host/config/core_schema.h"

#include <string_view>

#include "host/config/option_table.h"

namespace impulse::config {
namespace {

constexpr std::string_view kGlobal[] = {""};
constexpr std::string_view kSecurity[] = {"security"};
constexpr std::string_view kControlListen[] = {"control_listener", "control_listener::listen"};
constexpr std::string_view kEventLoop[] = {"eventloop"};
constexpr std::string_view kThreadPool[] = {"threadpool"};
constexpr std::string_view kDatasource[] = {"datasource"};

constexpr std::string_view kLevels[] = {"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"};
constexpr std::string_view kAll[] = {"-1"};

constexpr Option<GlobalOptions> kGlobalOptions[] = {
    {"pid_file",
     &GlobalOptions::pid_file,
     kGlobal,
     "File that holds the number of the server's process; \"\" = none is written.",
     {},
     Apply::kRestart},
    {"log_file", &GlobalOptions::log_file, kGlobal,
     "File for the server's own log; \"\" = standard error."},
    {"state_directory",
     &GlobalOptions::state_directory,
     kGlobal,
     "Directory for what the server keeps itself.",
     {},
     Apply::kRestart},
    {"hostname", &GlobalOptions::hostname, kGlobal,
     "Name of this machine, as others know it; accepted, nothing asks for it yet."},
    {"debug_level",
     &GlobalOptions::debug_level,
     kGlobal,
     "Lowest severity that the host itself writes to the log; modules have their own.",
     {},
     Apply::kLive,
     kLevels},
};

constexpr Option<SecurityOptions> kSecurityOptions[] = {
    {"user",
     &SecurityOptions::user,
     kSecurity,
     "User that the server becomes after it has opened its ports; \"\" = stays who started it.",
     {},
     Apply::kRestart},
    {"group",
     &SecurityOptions::group,
     kSecurity,
     "Group that the server becomes a member of; \"\" = the main group of `user`.",
     {},
     Apply::kRestart},
};

constexpr Option<ControlListenOptions> kControlListenOptions[] = {
    {"file_mode", &ControlListenOptions::file_mode, kControlListen,
     "Permission bits of the console's socket, in octal; who may write to it may command."},
};

constexpr Option<EventLoopOptions> kEventLoopOptions[] = {
    {"concurrency",
     &EventLoopOptions::concurrency,
     kEventLoop,
     "Number of loops, each one a thread; 0 = one for each processor.",
     {0, 1024},
     Apply::kRestart},
};

constexpr Option<ThreadPoolOptions> kThreadPoolOptions[] = {
    {"concurrency",
     &ThreadPoolOptions::concurrency,
     kThreadPool,
     "Number of threads; 0 = what the pool has without a stanza.",
     {0, 1024}},
    {"stack_size",
     &ThreadPoolOptions::stack_size,
     kThreadPool,
     "Bytes of stack of each thread; accepted, without effect: threads have the system's size.",
     {0, 1ULL << 30},
     Apply::kRestart},
    {"backlog",
     &ThreadPoolOptions::backlog,
     kThreadPool,
     "Jobs that may wait for a thread; accepted, without effect: there is no limit.",
     {},
     Apply::kRestart},
};

constexpr Option<DatasourceOptions> kDatasourceOptions[] = {
    {"uri",
     &DatasourceOptions::uri,
     kDatasource,
     "Where the data is, as \"driver:rest\"; several ones are equivalent.",
     {},
     Apply::kRestart},
    {"cache_size", &DatasourceOptions::cache_size, kDatasource,
     "Results of queries that are kept in memory; accepted, without effect: none are kept."},
    {"cache_life", &DatasourceOptions::cache_life, kDatasource,
     "Seconds for which results are kept; accepted, without effect: none are kept."},
    {"no_cache", &DatasourceOptions::no_cache, kDatasource,
     "Whether to keep no results; accepted, without effect: none are kept."},
    {"max_rows",
     &DatasourceOptions::max_rows,
     kDatasource,
     "Rows of a query that are read at most; accepted, without effect: all are read.",
     {0, kAllRows},
     Apply::kLive,
     kAll},
    {"pool",
     &DatasourceOptions::pool,
     kDatasource,
     "Name of the threadpool that runs queries; accepted, without effect: each datasource has "
     "threads "
     "of its own.",
     {},
     Apply::kRestart},
    {"serialized", &DatasourceOptions::serialized, kDatasource,
     "Whether nodes share results; accepted, without effect: there is one node."},
    {"assume_charset", &DatasourceOptions::assume_charset, kDatasource,
     "Character set where the driver cannot tell; accepted, without effect: data is UTF-8."},
};

}  // namespace

const OptionTable& global_table() {
  static const OptionTable table = make_table("global", kGlobalOptions);
  return table;
}
const OptionTable& security_table() {
  static const OptionTable table = make_table("security", kSecurityOptions);
  return table;
}
const OptionTable& control_listen_table() {
  static const OptionTable table = make_table("control_listener", kControlListenOptions);
  return table;
}
const OptionTable& event_loop_table() {
  static const OptionTable table = make_table("eventloop", kEventLoopOptions);
  return table;
}
const OptionTable& thread_pool_table() {
  static const OptionTable table = make_table("threadpool", kThreadPoolOptions);
  return table;
}
const OptionTable& datasource_table() {
  static const OptionTable table = make_table("datasource", kDatasourceOptions);
  return table;
}

SchemaPart core_schema() {
  SchemaPart part;
  part.provider = "host";
  part.stanzas = {
      {.type = "security",
       .parents = {""},
       .help = "Who the server becomes after it has opened its ports."},
      {.type = "control_listener",
       .parents = {""},
       .help = "Sockets on which the console, impulsectl, talks to the server."},
      {.type = "listen",
       .parents = {"control_listener"},
       .naming = Naming::kRequired,
       .help = "One address to listen on: \"*:5222\", \"[::]:5222\", \"192.0.2.1:5222\" or the "
               "path of a socket."},
      {.type = "eventloop",
       .parents = {""},
       .naming = Naming::kOptional,
       .help = "The threads that carry connections; without a stanza one for each processor."},
      {.type = "threadpool",
       .parents = {""},
       .naming = Naming::kRequired,
       .help = "Threads for work that blocks; \"IO\" and \"CPU\" are there without a stanza."},
      {.type = "datasource",
       .parents = {""},
       .naming = Naming::kRequired,
       .help = "A database, which modules and scripts know by its name."},
      {.type = "debug_flags",
       .parents = {""},
       .free_form = true,
       .help = "Accepted from configurations of the original; the option debug_level decides what "
               "is logged."},
      {.type = "alerting",
       .parents = {""},
       .help = "Accepted from configurations of the original; has no options and no effect."},
      {.type = "domain",
       .parents = {""},
       .naming = Naming::kRequired,
       .matching = Matching::kDomain,
       .help = "What holds for a domain, ours or another one; modules say what."},
      {.type = "ds_core",
       .parents = {""},
       .help = "Accepted from configurations of the original; datasources need no module here."},
  };
  part.tables = {global_table(),     security_table(),    control_listen_table(),
                 event_loop_table(), thread_pool_table(), datasource_table()};
  return part;
}

}  // namespace impulse::config
