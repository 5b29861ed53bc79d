// The bridge of one Lua state: hooked up when the state begins its work, unhooked at its end.
#include "modules/xmpp_lua/bridge.h"

#include <utility>

namespace impulse::xmpp_lua {

Bridge::Bridge(scriptlet::State& state, xmpp::Engine& engine)
    : state_(state), engine_(engine), anchor_(std::make_shared<Bridge*>(this)) {
  lua_State* lua = state.lua();
  const scriptlet::StackGuard guard(lua);
  open_nodes(lua, *this);
  open_xml(lua, *this);
  open_jids(lua, *this);
  open_jid_sets(lua, *this);
  open_objects(lua, *this);
  open_xmpp(lua, *this);
}

Bridge::~Bridge() = default;

xmpp::EngineLoop& Bridge::check_home(lua_State* lua) {
  if (home_ == nullptr) {
    luaL_error(lua, "not possible while scripts are loaded: the server does not run yet");
  }
  return *home_;
}

Result<void> Bridge::loaded() {
  lua_State* lua = state_.lua();
  const scriptlet::StackGuard guard(lua);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, hook_modules);
  int count = 0;
  for (const scriptlet::RegisteredModule& module : state_.modules()) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, module.table);
    lua_rawseti(lua, -2, ++count);
  }
  lua_pop(lua, 1);
  make_groups();
  return {};
}

void Bridge::attached() {
  const unsigned index = state_.loop()->index();
  home_ = &engine_.at(index);
  for (const auto& group : groups_) {
    registrations_.push_back(home_->hooks().add(
        group->row->point, group->order,
        [this, &group = *group](auto& passage) { return run_group(group, passage); }));
  }
  for (const auto& method : iq_methods) {
    registrations_.push_back(home_->iqs().add(
        method->target, method->type, method->ns, method->name,
        [this, &method = *method](xmpp::Passage& passage) { return run_iq(method, passage); }));
  }
  // Features are the whole server's: one loop announces them.
  if (index != 0) return;
  for (const auto& [target, feature] : features) {
    registrations_.push_back(engine_.add_feature(target, feature));
  }
}

void Bridge::detached() { registrations_.clear(); }

const void* make_metatable(lua_State* lua, Bridge& bridge, const luaL_Reg* methods,
                           int* reference) {
  lua_newtable(lua);
  lua_newtable(lua);
  set_functions(lua, bridge, methods);
  lua_setfield(lua, -2, "__index");
  lua_pushvalue(lua, -1);
  *reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  return lua_topointer(lua, -1);
}

void set_functions(lua_State* lua, Bridge& bridge, const luaL_Reg* functions) {
  lua_pushlightuserdata(lua, &bridge);
  luaL_setfuncs(lua, functions, 1);
}

}  // namespace impulse::xmpp_lua
