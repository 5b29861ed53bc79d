// Sets of bare addresses in Lua: xmpp.jidset() and account:subscribers().
#include <memory>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

namespace {

JidSetHandle& check_handle(lua_State* lua, int index) {
  Bridge& bridge = Bridge::of(lua);
  if (!bridge.has_metatable(lua, index, bridge.metatables.jid_set)) {
    luaL_typerror(lua, index, "jidset");
  }
  auto& handle = *static_cast<JidSetHandle*>(lua_touserdata(lua, index));
  if (handle.set == nullptr) {
    luaL_error(lua, "this jidset is gone: the account it belongs to is no longer in use");
  }
  return handle;
}

/// The bare form of argument 2, prepared.
std::optional<xmpp::Jid> argument(lua_State* lua) {
  auto jid = xmpp::Jid::parse(Bridge::of(lua).check_jid_text(lua, 2));
  if (!jid) return std::nullopt;
  return jid->is_bare() ? *std::move(jid) : jid->bare();
}

int add(lua_State* lua) {
  xmpp::JidSet& set = *check_handle(lua, 1).set;
  const auto jid = argument(lua);
  if (!jid) return scriptlet::push_failure(lua, "not an address");
  lua_pushboolean(lua, set.insert(*jid) ? 1 : 0);
  return 1;
}
int remove(lua_State* lua) {
  xmpp::JidSet& set = *check_handle(lua, 1).set;
  const auto jid = argument(lua);
  lua_pushboolean(lua, jid && set.erase(jid->text()) ? 1 : 0);
  return 1;
}
int has(lua_State* lua) {
  const xmpp::JidSet& set = *check_handle(lua, 1).set;
  const auto jid = argument(lua);
  lua_pushboolean(lua, jid && set.contains(jid->text()) ? 1 : 0);
  return 1;
}
int count(lua_State* lua) {
  lua_pushnumber(lua, static_cast<double>(check_handle(lua, 1).set->size()));
  return 1;
}
int collect(lua_State* lua) {
  auto* handle = static_cast<JidSetHandle*>(lua_touserdata(lua, 1));
  if (handle->is_owned) std::unique_ptr<xmpp::JidSet>(handle->set).reset();
  handle->set = nullptr;
  return 0;
}

constexpr luaL_Reg kMethods[] = {
    {"add", &add}, {"remove", &remove}, {"has", &has}, {"count", &count}, {nullptr, nullptr}};
constexpr luaL_Reg kMeta[] = {{"__gc", &collect}, {"__len", &count}, {nullptr, nullptr}};

}  // namespace

JidSetHandle* Bridge::push_jid_set(lua_State* lua, xmpp::JidSet* view) {
  auto* handle = static_cast<JidSetHandle*>(lua_newuserdata(lua, sizeof(JidSetHandle)));
  *handle = JidSetHandle{view, false};
  lua_rawgeti(lua, LUA_REGISTRYINDEX, metatables.jid_set_ref);
  lua_setmetatable(lua, -2);
  if (view == nullptr) *handle = JidSetHandle{std::make_unique<xmpp::JidSet>().release(), true};
  return handle;
}

xmpp::JidSet& Bridge::check_jid_set(lua_State* lua, int index) {
  return *check_handle(lua, index).set;
}

void open_jid_sets(lua_State* lua, Bridge& bridge) {
  auto& m = bridge.metatables;
  m.jid_set = make_metatable(lua, bridge, kMethods, &m.jid_set_ref);
  set_functions(lua, bridge, kMeta);
  lua_pop(lua, 1);
}

}  // namespace impulse::xmpp_lua
