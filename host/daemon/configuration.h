// From a configuration file to a checked generation, with the modules it needs loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/config/generation.h"
#include "host/module/loader.h"

namespace impulse::daemon {

/// A generation, or every problem that there is, one line each.
struct ReadConfiguration {
  std::shared_ptr<const config::Generation> generation;  ///< nullptr when there are problems
  std::vector<std::string> problems;
};

/// Reads `file`, loads the modules whose stanzas it has (and the drivers of its datasources), and
/// checks the whole tree. Main thread; blocks.
ReadConfiguration read_configuration(const std::string& file, Loader& loader, std::uint64_t number);

/// The language of the host and of all loaded modules.
std::shared_ptr<const config::Schema> make_schema(const Loader& loader);

/// Options whose change takes effect only after a restart and that differ: "Security user".
std::vector<std::string> changed_until_restart(const config::Generation& before,
                                               const config::Generation& after);

}  // namespace impulse::daemon
