// Services: interfaces that one module publishes and others look up by type.
#pragma once

#include <string_view>
#include <unordered_map>

#include "host/base/check.h"

namespace impulse {

/// A registry by name; each interface has `static constexpr std::string_view kServiceName`.
/// Main thread; what is found may be kept (modules are never unloaded).
class Services {
 public:
  template <class Interface>
  void publish(Interface& service) {
    IMPULSE_CHECK(table_.emplace(Interface::kServiceName, &service).second);
  }
  /// nullptr when the module that publishes it is not loaded.
  template <class Interface>
  Interface* find() const {
    auto at = table_.find(Interface::kServiceName);
    return at == table_.end() ? nullptr : static_cast<Interface*>(at->second);
  }

 private:
  std::unordered_map<std::string_view, void*> table_;
};

}  // namespace impulse
