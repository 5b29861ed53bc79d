// Finding, checking and ordering modules, and starting them.
#include "host/module/loader.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "host/base/log.h"

namespace impulse {

namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_module_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

}  // namespace

Result<void> check_descriptor(const ModuleDescriptor& descriptor, std::string_view expected_name) {
  if (descriptor.magic != kModuleMagic) {
    return Error{ErrorCode::kInvalid, "impulse_module is not a module descriptor"};
  }
  if (descriptor.abi != kModuleAbi) {
    return Error{ErrorCode::kInvalid,
                 "was built for module interface " + std::to_string(descriptor.abi) +
                     ", this server has interface " + std::to_string(kModuleAbi) +
                     ": build it against this server"};
  }
  const std::string_view build = descriptor.build == nullptr ? "" : descriptor.build;
  if (build != kBuildSignature) {
    return Error{ErrorCode::kInvalid, "was built with \"" + std::string(build) +
                                          "\", this server with \"" + kBuildSignature +
                                          "\": build both with the same compiler and options"};
  }
  const std::string_view name = descriptor.name == nullptr ? "" : descriptor.name;
  if (name != expected_name) {
    return Error{ErrorCode::kInvalid, "calls itself \"" + std::string(name) +
                                          "\": the file must be named after the module"};
  }
  if (descriptor.start == nullptr) return Error{ErrorCode::kInvalid, "has no start function"};
  return {};
}

/// A module somebody asked for. `asker` is for messages; a companion may stay away.
struct Loader::Wanted {
  std::string name;
  std::string asker;
  bool is_companion = false;
};

bool Loader::exists(std::string_view name) const {
  if (!is_module_name(name)) return false;
  return ::access((directory_ + "/" + std::string(name) + ".so").c_str(), R_OK) == 0;
}

const LoadedModule* Loader::find(std::string_view name) const {
  for (const auto& loaded : modules_) {
    if (loaded->descriptor->name == name) return loaded.get();
  }
  return nullptr;
}

Result<const ModuleDescriptor*> Loader::open(const std::string& name) {
  if (auto at = opened_.find(name); at != opened_.end()) return at->second;
  const std::string file = directory_ + "/" + name + ".so";
  if (!exists(name)) return Error{ErrorCode::kNotFound, "no module file " + file};
  // Global, because a module calls what the modules it needs publish. Never closed again.
  void* handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) {
    const char* why = ::dlerror();
    return Error{ErrorCode::kUnavailable, why == nullptr ? "cannot load " + file : why};
  }
  using Door = const ModuleDescriptor* (*)();
  const auto door = reinterpret_cast<Door>(::dlsym(handle, "impulse_module"));
  if (door == nullptr) {
    return Error{ErrorCode::kInvalid, file + " is not a module: it exports no impulse_module"};
  }
  const ModuleDescriptor* descriptor = door();
  if (auto checked = check_descriptor(*descriptor, name); !checked) {
    return checked.error().in(file);
  }
  opened_.emplace(name, descriptor);
  return descriptor;
}

/// Opens all that is wanted, round after round: what a module needs is known only once it is open,
/// and it opens only once what it needs is there. Returns the errors.
std::string Loader::open_all(std::vector<Wanted>& wanted) {
  std::map<std::string, std::string> failed;
  std::vector<std::string> followed;
  for (bool progress = true; progress;) {
    progress = false;
    failed.clear();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Wanted w = wanted[i];
      const bool was_open = opened_.contains(w.name);
      auto descriptor = open(w.name);
      if (!descriptor) {
        failed[w.name] = descriptor.error().what;
        continue;
      }
      progress = progress || !was_open;
      // A companion waits for its needs; it does not bring them.
      if (w.is_companion || contains(followed, w.name)) continue;
      progress = true;
      followed.push_back(w.name);
      for (const char* need : (*descriptor)->needs) wanted.push_back({need, w.name, false});
      for (const char* other : (*descriptor)->companions) wanted.push_back({other, w.name, true});
    }
  }
  std::string errors;
  for (const Wanted& w : wanted) {
    auto at = failed.find(w.name);
    if (at == failed.end()) continue;
    if (w.is_companion) {
      LOG(log::host(), kInfo, "module_companion_not_loaded", {"module", w.name}, {"of", w.asker},
          {"reason", at->second});
      continue;
    }
    errors += "module " + w.name + (w.asker.empty() ? "" : " (needed by " + w.asker + ")") + ": " +
              at->second + "\n";
    failed.erase(at);
  }
  return errors;
}

/// Appends `name` to `order` behind all that it needs. Returns an error for a circle.
std::string Loader::place(const std::string& name, std::vector<std::string>& path,
                          std::vector<std::string>& order) const {
  if (contains(order, name)) return {};
  if (contains(path, name)) {
    std::string circle;
    for (const std::string& step : path) circle += step + " -> ";
    return "modules need each other in a circle: " + circle + name + "\n";
  }
  path.push_back(name);
  for (const char* need : opened_.find(name)->second->needs) {
    if (auto error = place(need, path, order); !error.empty()) return error;
  }
  path.pop_back();
  order.push_back(name);
  return {};
}

bool Loader::needs_are_met(const ModuleDescriptor& descriptor,
                           const std::vector<std::string>& order) const {
  return std::all_of(descriptor.needs.begin(), descriptor.needs.end(),
                     [&](const char* need) { return contains(order, need); });
}

Result<void> Loader::load(const std::vector<std::string>& names) {
  std::vector<Wanted> wanted;
  for (const std::string& name : names) wanted.push_back({name, "", false});
  // Companions of what is here already may have become possible now.
  for (const auto& loaded : modules_) {
    for (const char* other : loaded->descriptor->companions) {
      wanted.push_back({other, loaded->descriptor->name, true});
    }
  }
  std::string errors = open_all(wanted);
  std::vector<std::string> order;
  for (const auto& loaded : modules_) order.emplace_back(loaded->descriptor->name);
  if (errors.empty()) {
    for (const Wanted& w : wanted) {
      if (w.is_companion) continue;
      std::vector<std::string> path;
      errors += place(w.name, path, order);
    }
  }
  if (!errors.empty()) {
    errors.pop_back();
    return Error{ErrorCode::kInvalid, errors};
  }
  for (const Wanted& w : wanted) {
    auto at = opened_.find(w.name);
    if (at == opened_.end() || contains(order, w.name)) continue;
    if (needs_are_met(*at->second, order)) order.push_back(w.name);
  }
  for (std::size_t i = modules_.size(); i < order.size(); ++i) {
    auto loaded = std::make_unique<LoadedModule>();
    loaded->descriptor = opened_.find(order[i])->second;
    loaded->file = directory_ + "/" + order[i] + ".so";
    modules_.push_back(std::move(loaded));
  }
  return {};
}

Result<void> Loader::start(Host& host, const std::function<bool(const ModuleDescriptor&)>& which) {
  for (const auto& loaded : modules_) {
    if (loaded->module != nullptr || !which(*loaded->descriptor)) continue;
    auto started = loaded->descriptor->start(host);
    if (!started) {
      return started.error().in("module " + std::string(loaded->descriptor->name));
    }
    loaded->module = std::move(*started);
    IMPULSE_CHECK(loaded->module != nullptr);
  }
  return {};
}

void Loader::end_all() {
  for (auto at = modules_.rbegin(); at != modules_.rend(); ++at) (*at)->module.reset();
}

std::vector<std::string> Loader::available() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    const std::string name = entry.path().stem().string();
    // A build tree has the host's own library beside the modules.
    if (entry.path().extension() != ".so" || name.starts_with("lib")) continue;
    if (exists(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace impulse
