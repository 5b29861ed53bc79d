// The host's own part of the configuration language: its stanzas, its options and their structs.
#pragma once

#include <cstdint>
#include <string>

#include "host/config/option.h"
#include "host/config/schema.h"

namespace impulse::config {

/// Options of the global scope that the host itself reads.
struct GlobalOptions {
  std::string pid_file;
  std::string log_file;
  std::string state_directory = IMPULSE_STATE_DIRECTORY;
  std::string hostname;
  std::string debug_level = "NOTICE";
};
/// security {}
struct SecurityOptions {
  std::string user;
  std::string group;
};
/// listen "path" {} within control_listener {}
struct ControlListenOptions {
  Mode file_mode{0660};
};
/// eventloop "name" {}
struct EventLoopOptions {
  std::uint32_t concurrency = 0;
};
/// threadpool "name" {}
struct ThreadPoolOptions {
  std::uint32_t concurrency = 0;
  Bytes stack_size;
  std::uint32_t backlog = 0;
};
/// datasource "name" {}
struct DatasourceOptions {
  StringList uri;
  std::uint32_t cache_size = 1000;
  Seconds cache_life{3600};
  bool no_cache = false;
  std::uint32_t max_rows = 100;  ///< kAllRows = no limit
  std::string pool = "IO";
  bool serialized = true;
  std::string assume_charset = "iso-8859-1";
};
inline constexpr std::uint32_t kAllRows = 0xffffffff;

/// What the host adds to the language. Its views live as long as the process.
SchemaPart core_schema();

/// The tables, for resolve(). Any thread.
const OptionTable& global_table();
const OptionTable& security_table();
const OptionTable& control_listen_table();
const OptionTable& event_loop_table();
const OptionTable& thread_pool_table();
const OptionTable& datasource_table();

}  // namespace impulse::config
