// Loader: finds, checks and orders modules, and starts them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/module/descriptor.h"

namespace impulse {

/// A module in memory. Main thread.
struct LoadedModule {
  const ModuleDescriptor* descriptor = nullptr;
  std::string file;
  std::unique_ptr<Module> module;  ///< set once it was started
};

/// Compares what must agree before anything else of a descriptor is looked at. The error says what
/// was found and what this server needs.
Result<void> check_descriptor(const ModuleDescriptor& descriptor, std::string_view expected_name);

/// All modules of the process. They are never unloaded: code of theirs may be on any stack. Main
/// thread.
class Loader {
 public:
  /// `directory` holds NAME.so for each module.
  explicit Loader(std::string directory) : directory_(std::move(directory)) {}
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  const std::string& directory() const { return directory_; }
  /// Is there a file for a module of this name? Names are lower case letters, digits and "_".
  bool exists(std::string_view name) const;

  /// Loads these modules, what they need, and the companions whose needs are met. What is loaded
  /// already stays. The error lists all that is wrong, one per line; then nothing was added to
  /// modules().
  Result<void> load(const std::vector<std::string>& names);

  /// In the order in which they are started and prepared: needs first.
  const std::vector<std::unique_ptr<LoadedModule>>& modules() const { return modules_; }
  const LoadedModule* find(std::string_view name) const;

  /// Starts, in order, each module that is not started yet and that `which` picks.
  Result<void> start(
      Host& host, const std::function<bool(const ModuleDescriptor&)>& which =
                      [](const ModuleDescriptor&) { return true; });

  /// Destroys the started modules, the last first; the process is about to end.
  void end_all();

  /// Names of all modules in the directory, sorted.
  std::vector<std::string> available() const;

 private:
  struct Wanted;
  Result<const ModuleDescriptor*> open(const std::string& name);
  std::string open_all(std::vector<Wanted>& wanted);
  std::string place(const std::string& name, std::vector<std::string>& path,
                    std::vector<std::string>& order) const;
  bool needs_are_met(const ModuleDescriptor& descriptor,
                     const std::vector<std::string>& order) const;

  std::string directory_;
  std::map<std::string, const ModuleDescriptor*, std::less<>> opened_;
  std::vector<std::unique_ptr<LoadedModule>> modules_;
};

}  // namespace impulse
