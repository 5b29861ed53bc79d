// The functions of xmpp.* by which scripts register themselves while they are loaded.
#include <algorithm>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;

namespace {

int register_module(lua_State* lua) { return Bridge::of(lua).state().register_module(lua); }

/// xmpp.register_iq(target, type, namespace, name, function)
int register_iq(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  bridge.state().check_loading(lua, "xmpp.register_iq");
  const std::string_view target = check_text(lua, 1);
  const std::string_view type = check_text(lua, 2);
  const std::string_view ns = check_text(lua, 3);
  const std::string_view name = check_text(lua, 4);
  luaL_checktype(lua, 5, LUA_TFUNCTION);
  luaL_argcheck(lua, target == "account" || target == "server", 1,
                "must be \"account\" or \"server\"");
  luaL_argcheck(lua, type == "get" || type == "set", 2, "must be \"get\" or \"set\"");
  luaL_argcheck(lua, xmpp::is_xml_name(name), 4, "must be an element name without a prefix");
  lua_settop(lua, 5);
  const int function = luaL_ref(lua, LUA_REGISTRYINDEX);
  bridge.iq_methods.push_back(std::make_unique<IqMethod>(
      IqMethod{target == "account" ? xmpp::IqTarget::kAccount : xmpp::IqTarget::kServer,
               std::string(type), std::string(ns), std::string(name), function}));
  return 0;
}

/// xmpp.add_feature(target, namespace)
int add_feature(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  bridge.state().check_loading(lua, "xmpp.add_feature");
  const std::string_view target = check_text(lua, 1);
  const std::string_view feature = check_text(lua, 2);
  luaL_argcheck(lua, target == "account" || target == "server" || target == "stream", 1,
                "must be \"account\", \"server\" or \"stream\"");
  bridge.features.emplace_back(target, feature);
  return 0;
}

/// xmpp.features(target): sorted, each once
int features(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  std::vector<std::string> all = bridge.engine().features(check_text(lua, 1));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  lua_createtable(lua, static_cast<int>(all.size()), 0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    scriptlet::push_text(lua, all[i]);
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
  return 1;
}

}  // namespace

const luaL_Reg kRegisteringFunctions[] = {{"registerModule", &register_module},
                                          {"register_iq", &register_iq},
                                          {"add_feature", &add_feature},
                                          {"features", &features},
                                          {nullptr, nullptr}};

}  // namespace impulse::xmpp_lua
