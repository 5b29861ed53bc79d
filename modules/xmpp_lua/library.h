// What the module adds to each Lua state: a bridge to the engine.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

/// Opens a bridge in each state. open: main thread.
class XmppLibrary final : public scriptlet::Library {
 public:
  explicit XmppLibrary(xmpp::Engine& engine) : engine_(engine) {}
  /// The engine goes next: no bridge may refer to it any more. When all loops have stopped.
  ~XmppLibrary() override;
  std::unique_ptr<scriptlet::Extension> open(scriptlet::State& state) override;

 private:
  xmpp::Engine& engine_;
  std::vector<std::weak_ptr<Bridge*>> bridges_;
};

}  // namespace impulse::xmpp_lua
