// Addresses in Lua: xmpp.jid(text) and its methods.
#include <cstring>
#include <new>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;
using scriptlet::push_text;

namespace {

/// The userdata: lengths, then the text. Plain bytes, so nothing has to be collected.
struct JidText {
  std::uint16_t local, bare, full;
  std::string_view text() const {
    return {reinterpret_cast<const char*>(this) + sizeof(JidText), full};
  }
};

const JidText& check_jid(lua_State* lua, int index) {
  Bridge& bridge = Bridge::of(lua);
  if (!bridge.has_metatable(lua, index, bridge.metatables.jid)) luaL_typerror(lua, index, "jid");
  return *static_cast<const JidText*>(lua_touserdata(lua, index));
}

int user(lua_State* lua) {
  const JidText& jid = check_jid(lua, 1);
  push_text(lua, jid.text().substr(0, jid.local));
  return 1;
}
int domain(lua_State* lua) {
  const JidText& jid = check_jid(lua, 1);
  const std::size_t start = jid.local == 0 ? 0 : jid.local + 1u;
  push_text(lua, jid.text().substr(start, jid.bare - start));
  return 1;
}
int resource(lua_State* lua) {
  const JidText& jid = check_jid(lua, 1);
  push_text(lua, jid.bare == jid.full ? std::string_view() : jid.text().substr(jid.bare + 1u));
  return 1;
}
int bare(lua_State* lua) {
  const JidText& jid = check_jid(lua, 1);
  push_text(lua, jid.text().substr(0, jid.bare));
  return 1;
}
int get(lua_State* lua) {
  push_text(lua, check_jid(lua, 1).text());
  return 1;
}
int equal(lua_State* lua) {
  lua_pushboolean(lua, check_jid(lua, 1).text() == check_jid(lua, 2).text() ? 1 : 0);
  return 1;
}

constexpr luaL_Reg kMethods[] = {{"user", &user}, {"domain", &domain}, {"resource", &resource},
                                 {"bare", &bare}, {"get", &get},       {nullptr, nullptr}};
constexpr luaL_Reg kMeta[] = {{"__tostring", &get}, {"__eq", &equal}, {nullptr, nullptr}};

}  // namespace

void Bridge::push_jid(lua_State* lua, const xmpp::Jid& jid) {
  const std::string_view text = jid.text();
  auto* memory = static_cast<char*>(lua_newuserdata(lua, sizeof(JidText) + text.size()));
  new (memory) JidText{static_cast<std::uint16_t>(jid.local().size()),
                       static_cast<std::uint16_t>(jid.bare_text().size()),
                       static_cast<std::uint16_t>(text.size())};
  std::memcpy(memory + sizeof(JidText), text.data(), text.size());
  lua_rawgeti(lua, LUA_REGISTRYINDEX, metatables.jid_ref);
  lua_setmetatable(lua, -2);
}

bool Bridge::is_jid(lua_State* lua, int index) { return has_metatable(lua, index, metatables.jid); }

std::string_view Bridge::check_jid_text(lua_State* lua, int index) {
  if (lua_isstring(lua, index) != 0) return check_text(lua, index);
  if (!is_jid(lua, index)) luaL_typerror(lua, index, "jid or string");
  return static_cast<const JidText*>(lua_touserdata(lua, index))->text();
}

void open_jids(lua_State* lua, Bridge& bridge) {
  bridge.metatables.jid = make_metatable(lua, bridge, kMethods, &bridge.metatables.jid_ref);
  set_functions(lua, bridge, kMeta);
  lua_pop(lua, 1);
}

}  // namespace impulse::xmpp_lua
