// The descriptor of the module xmpp_lua.
#include <memory>

#include "host/host.h"
#include "host/module/descriptor.h"
#include "host/module/services.h"
#include "modules/xmpp_lua/library.h"

namespace impulse::xmpp_lua {

namespace {

/// Adds the library once; the rest happens as states are built.
class XmppLuaModule final : public Module {
 public:
  XmppLuaModule(scriptlet::Scriptlets& scriptlets, xmpp::Engine& engine) : library_(engine) {
    scriptlets.add_library(library_);
    scriptlets.set_default_datasource([&engine] { return engine.datasource(); });
  }

  Result<std::unique_ptr<Prepared>> prepare(std::shared_ptr<const config::Generation>) override {
    struct Nothing final : Prepared {
      void commit() noexcept override {}
    };
    return std::unique_ptr<Prepared>(std::make_unique<Nothing>());
  }

 private:
  XmppLibrary library_;
};

Result<std::unique_ptr<Module>> start(Host& host) {
  auto* scriptlets = host.services.find<scriptlet::Scriptlets>();
  auto* engine = host.services.find<xmpp::Engine>();
  if (scriptlets == nullptr || engine == nullptr) {
    return Error{ErrorCode::kNotFound, "xmpp_lua needs the modules xmpp and scriptlet"};
  }
  return std::unique_ptr<Module>(std::make_unique<XmppLuaModule>(*scriptlets, *engine));
}

constexpr const char* kNeeds[] = {"xmpp", "scriptlet"};

}  // namespace

}  // namespace impulse::xmpp_lua

IMPULSE_MODULE{.name = "xmpp_lua",
               .summary = "Gives scripts the XMPP engine: hooks, stanzas, sessions.",
               .needs = impulse::xmpp_lua::kNeeds,
               .start = &impulse::xmpp_lua::start};
