// Opens a bridge in each Lua state.
#include "modules/xmpp_lua/library.h"

#include <algorithm>

namespace impulse::xmpp_lua {

XmppLibrary::~XmppLibrary() {
  for (const auto& weak : bridges_) {
    if (const auto bridge = weak.lock()) (*bridge)->leave_engine();
  }
}

std::unique_ptr<scriptlet::Extension> XmppLibrary::open(scriptlet::State& state) {
  std::erase_if(bridges_, [](const auto& weak) { return weak.expired(); });
  auto bridge = std::make_unique<Bridge>(state, engine_);
  bridges_.push_back(bridge->anchor());
  return bridge;
}

}  // namespace impulse::xmpp_lua
