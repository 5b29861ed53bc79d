// The descriptor of the module scriptlet.
#include "host/module/descriptor.h"
#include "host/module/services.h"
#include "modules/scriptlet/manager.h"

namespace impulse::scriptlet {

namespace {

Result<std::unique_ptr<Module>> start(Host& host) {
  auto manager = std::make_unique<Manager>(host);
  host.services.publish<Scriptlets>(*manager);
  return std::unique_ptr<Module>(std::move(manager));
}

}  // namespace

}  // namespace impulse::scriptlet

IMPULSE_MODULE{.name = "scriptlet",
               .summary = "Runs Lua scripts in coroutines on the event loops.",
               .singleton = false,
               .schema = &impulse::scriptlet::schema,
               .start = &impulse::scriptlet::start};
