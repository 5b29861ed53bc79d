// An immutable configuration that was read and checked; swapped whole.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/config/schema.h"
#include "host/config/tree.h"

namespace impulse::config {

/// One configuration. Immutable; owned by shared_ptr<const Generation> (owners: the host, and
/// whoever still works with values of an older one).
struct Generation {
  std::uint64_t number = 0;
  std::string file;  ///< the main file
  std::unique_ptr<Node> root;
  std::shared_ptr<const Schema> schema;
};

/// `config show [type [name]]`: the tree, or the stanzas of one type, in configuration syntax.
Result<std::string> show(const Generation& generation, const std::vector<std::string>& scope);

/// `config eval [type [name]]... option`: the effective value with fallback and default, as
/// `Option = value`. The scope need not exist (matched scopes fall back).
Result<std::string> eval(const Generation& generation, const std::vector<std::string>& words);

}  // namespace impulse::config
