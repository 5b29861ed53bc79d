// Starting, reloading and stopping, in order.
#include "host/daemon/daemon.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "host/aaa/builtin_stores.h"
#include "host/base/log.h"
#include "host/daemon/account_commands.h"
#include "host/daemon/core_commands.h"
#include "host/module/module_options.h"

namespace impulse::daemon {

namespace {

constexpr std::chrono::seconds kStopTime{5};

bool is_driver(const ModuleDescriptor& descriptor) {
  return std::string_view(descriptor.name).starts_with("ds_");
}

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return {};
  return Error{ErrorCode::kUnavailable, "State_Directory " + path + ": " + error.message()};
}

/// A failing start is told to whoever started us; the log may be a file by now.
void tell(const std::string& text) { std::fprintf(stderr, "impulsed: %s\n", text.c_str()); }

}  // namespace

Daemon::Daemon(const Arguments& arguments, Loader& loader,
               std::shared_ptr<const config::Generation> first)
    : arguments_(arguments),
      loader_(loader),
      generation_(std::move(first)),
      background_(arguments.is_foreground ? Background() : Background::fork_away()),
      rooms_((block_signals(), set_process_limits(), ::umask(027),
              read_core(*generation_->root).loops)) {}

Daemon::~Daemon() = default;

std::chrono::seconds Daemon::uptime() const {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                          started_at_);
}

int Daemon::run() {
  event::Loop& main = rooms_.loops.main();
  // On the loop, so that all of start() is at home there, as every later reload is.
  main.post([this, &main] {
    auto started = start();
    if (started) return;
    tell(started.error().what);
    exit_status_ = 1;
    main.stop();
  });
  main.run();
  end();
  return exit_status_;
}

Result<void> Daemon::start() {
  const CoreSettings core = read_core(*generation_->root);
  if (auto opened = open_files(core); !opened) return opened;
  rooms_.host.module_directory = arguments_.module_directory;
  rooms_.host.scriptlet_directory = arguments_.scriptlet_directory;
  rooms_.host.state_directory = core.global.state_directory;
  signals_ = std::make_unique<Signals>(rooms_.loops.main(), [this](int s) { on_signal(s); });
  for (const auto& [name, concurrency] : core.pools) rooms_.pools.make(name, concurrency);
  add_core_commands(*this, registrations_);
  add_account_commands(*this, registrations_);
  for (Registration& store :
       aaa::register_builtin_stores(rooms_.passwords, rooms_.datasources, rooms_.pools)) {
    registrations_.push_back(std::move(store));
  }
  apply_debug_levels(loader_, *generation_);
  if (auto opened = open_datasources(core); !opened) return opened;
  if (auto started = loader_.start(rooms_.host); !started) return started;
  auto next = prepare(generation_, core);
  if (!next) return next.error();
  if (auto dropped = drop_privileges(core); !dropped) return dropped;
  commit(std::move(*next), generation_, core);
  rooms_.loops.start();
  is_serving_ = true;
  LOG(log::host(), kNotice, "server_started", {"version", IMPULSE_VERSION},
      {"config", generation_->file}, {"loops", rooms_.loops.size()},
      {"pid", static_cast<long>(::getpid())});
  background_.tell_ready();
  return {};
}

Result<void> Daemon::open_files(const CoreSettings& core) {
  if (auto made = make_directory(core.global.state_directory); !made) return made;
  if (!core.global.pid_file.empty()) {
    auto file = PidFile::create(core.global.pid_file);
    if (!file) return file.error();
    pid_file_ = std::move(*file);
  }
  return open_log(core);
}

Result<void> Daemon::open_log(const CoreSettings& core) {
  std::string path = core.global.log_file;
  if (path.empty() && !arguments_.is_foreground) path = IMPULSE_LOG_DIRECTORY "/impulsed.log";
  if (path == log_file_) return {};
  auto opened = log::open_file(path);
  if (!opened) return opened.error().in("Log_File");
  log_file_ = std::move(path);
  return {};
}

/// Drivers start first, for the other modules find their databases open.
Result<void> Daemon::open_datasources(const CoreSettings& core) {
  if (auto started = loader_.start(rooms_.host, is_driver); !started) return started;
  for (const DatasourceSetting& source : core.datasources) {
    Result<store::Datasource*> opened = Error{ErrorCode::kInvalid, "its uri is missing"};
    for (const std::string& uri : source.uris) {
      opened = rooms_.datasources.open(source.name, uri);
      if (opened) break;
    }
    if (!opened) return opened.error().in("Datasource \"" + source.name + "\"");
  }
  if (core.datasources.empty() && loader_.find("ds_sqlite") != nullptr &&
      rooms_.datasources.find("impulse") == nullptr) {
    auto opened =
        rooms_.datasources.open("impulse", "sqlite:" + rooms_.host.state_directory + "/impulse.db");
    if (!opened) return opened.error().in("the embedded database");
  }
  return {};
}

Result<Daemon::Next> Daemon::prepare(const std::shared_ptr<const config::Generation>& generation,
                                     const CoreSettings& core) {
  Next next;
  for (const auto& loaded : loader_.modules()) {
    auto prepared = loaded->module->prepare(generation);
    if (!prepared) {
      return prepared.error().in("module " + std::string(loaded->descriptor->name));
    }
    if (*prepared != nullptr) next.modules.push_back(std::move(*prepared));
  }
  auto control = rooms_.control.prepare(core.control);
  if (!control) return control.error();
  next.control = std::move(*control);
  return next;
}

void Daemon::commit(Next next, std::shared_ptr<const config::Generation> generation,
                    const CoreSettings& core) {
  generation_ = std::move(generation);
  if (auto level = log::parse_level(core.global.debug_level)) log::host().set_threshold(*level);
  apply_debug_levels(loader_, *generation_);
  for (auto& prepared : next.modules) prepared->commit();
  rooms_.control.commit(std::move(next.control));
  rooms_.host.created_files.clear();
}

Result<void> Daemon::drop_privileges(const CoreSettings& core) {
  auto identity = find_identity(core.security.user, core.security.group);
  if (!identity) return identity.error();
  if (!*identity) return {};
  std::vector<std::string> paths = {core.global.state_directory, log_file_, pid_file_.path()};
  for (const control::Endpoint& endpoint : core.control) paths.push_back(endpoint.path);
  for (const std::string& path : rooms_.host.created_files) paths.push_back(path);
  if (auto given = give_files(**identity, paths); !given) return given;
  return become(**identity);
}

Result<std::string> Daemon::reload(const std::string& file) {
  auto refuse = [](const std::string& lines) {
    LOG(log::host(), kError, "reload_failed", {"reason", lines});
    return Error{ErrorCode::kInvalid, "Reconfigure failed.\n" + lines};
  };
  if (!is_serving_ || is_stopping_) return refuse("the server is starting or stopping");
  const std::string path = file.empty() ? generation_->file : file;
  auto read = read_configuration(path, loader_, generation_->number + 1);
  if (read.generation == nullptr) {
    std::string lines;
    for (const std::string& problem : read.problems) lines += problem + "\n";
    return refuse(lines);
  }
  const CoreSettings core = read_core(*read.generation->root);
  if (auto opened = open_datasources(core); !opened) return refuse(opened.error().what);
  if (auto started = loader_.start(rooms_.host); !started) return refuse(started.error().what);
  auto next = prepare(read.generation, core);
  if (!next) return refuse(next.error().what);
  if (auto opened = open_log(core); !opened) return refuse(opened.error().what);
  const auto changed = changed_until_restart(*generation_, *read.generation);
  commit(std::move(*next), read.generation, core);
  LOG(log::host(), kNotice, "config_reloaded", {"config", path},
      {"generation", generation_->number});
  std::string text = "Configuration reloaded.\n";
  for (const std::string& option : changed) {
    LOG(log::host(), kWarning, "option_needs_restart", {"option", option});
    text += "Warning: " + option + " has changed; this takes effect after a restart.\n";
  }
  return text;
}

Result<void> Daemon::reopen_logs() {
  auto reopened = log::reopen();
  rooms_.host.reopen_logs.run();
  return reopened;
}

void Daemon::on_signal(int signal) {
  if (signal != SIGHUP) return shut_down();
  if (auto reopened = reopen_logs(); !reopened) {
    LOG(log::host(), kError, "log_reopen_failed", {"reason", reopened.error().what});
  }
}

void Daemon::shut_down() {
  if (is_stopping_ || !is_serving_) {
    rooms_.loops.main().stop();
    return;
  }
  is_stopping_ = true;
  LOG(log::host(), kNotice, "server_stopping", {"uptime_seconds", uptime().count()});
  stop_deadline_ = rooms_.loops.main().after(kStopTime, [this] {
    // A loop that does not answer cannot be joined. What was promised is on disk first.
    LOG(log::host(), kError, "server_stop_timeout", {"seconds", kStopTime.count()});
    rooms_.datasources.flush_all();
    pid_file_ = {};
    ::_exit(1);
  });
  stop_modules_before(loader_.modules().size());
}

/// Stops the last of the first `count` modules, then, when it is done, those before it.
void Daemon::stop_modules_before(std::size_t count) {
  if (count == 0) return rooms_.loops.main().stop();
  Module* module = loader_.modules()[count - 1]->module.get();
  if (module == nullptr) return stop_modules_before(count - 1);
  // Through the loop: a module may answer at once, and a long chain would nest.
  module->stop([this, count] {
    rooms_.loops.main().post(guard_.wrap([this, count] { stop_modules_before(count - 1); }));
  });
}

void Daemon::end() {
  stop_deadline_ = {};
  signals_.reset();
  rooms_.loops.stop();
  rooms_.datasources.flush_all();
  rooms_.pools.stop();
  registrations_.clear();
  loader_.end_all();
  rooms_.datasources.close_all();
  if (is_serving_) LOG(log::host(), kNotice, "server_stopped");
}

}  // namespace impulse::daemon
