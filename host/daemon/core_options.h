// The host's own part of the configuration language, and its values in one configuration.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/base/log.h"
#include "host/config/generation.h"
#include "host/config/option.h"
#include "host/control/socket.h"

namespace impulse::daemon {

/// Global scope.
struct GlobalOptions {
  std::string pid_file;
  std::string log_file;
  std::string state_directory = IMPULSE_STATE_DIRECTORY;
  std::string debug_level = "NOTICE";
};
/// Security { }.
struct SecurityOptions {
  std::string user;
  std::string group;
};
/// EventLoop "name" { } and ThreadPool "name" { }.
struct EventLoopOptions {
  std::uint32_t concurrency = 0;
};
struct ThreadPoolOptions {
  std::uint32_t concurrency = 4;
};
/// Datasource "name" { }.
struct DatasourceOptions {
  config::StringList uri;
};
/// Listen "path" { } within Control_Listener { }.
struct ControlListenOptions {
  config::Mode file_mode{0660};
};

/// What the host adds to the language.
config::SchemaPart core_schema();

/// A Datasource stanza; equivalent uris in order of preference.
struct DatasourceSetting {
  std::string name;
  std::vector<std::string> uris;
};
/// All of the host's values in one configuration.
struct CoreSettings {
  GlobalOptions global;
  SecurityOptions security;
  std::uint32_t loops = 0;  ///< 0 = one for each processor
  std::vector<std::pair<std::string, std::uint32_t>> pools;
  std::vector<DatasourceSetting> datasources;
  std::vector<control::Endpoint> control;
};
CoreSettings read_core(const config::Node& root);

/// The names of the modules that serve these uris: "sqlite:x" is served by ds_sqlite.
std::string driver_module(const std::string& uri);

}  // namespace impulse::daemon
