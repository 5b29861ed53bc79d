// The values of the host's own options in one configuration.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/config/core_schema.h"
#include "host/config/tree.h"
#include "host/control/socket.h"

namespace impulse::daemon {

/// A Datasource stanza; equivalent uris in order of preference.
struct DatasourceSetting {
  std::string name;
  std::vector<std::string> uris;
};
/// Regular value.
struct CoreSettings {
  config::GlobalOptions global;
  config::SecurityOptions security;
  std::uint32_t loops = 0;                                   ///< 0 = one for each processor
  std::vector<std::pair<std::string, std::uint32_t>> pools;  ///< those whose size is given
  std::vector<DatasourceSetting> datasources;
  std::vector<control::Endpoint> control;
};
CoreSettings read_core(const config::Node& root);

/// The name of the module that serves this uri: "sqlite:x" is served by ds_sqlite.
std::string driver_module(const std::string& uri);

}  // namespace impulse::daemon
