// The methods of an account in Lua.
#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::push_text;

namespace {

xmpp::Account& self(lua_State* lua) { return Bridge::of(lua).check_account(lua, 1); }

int jid(lua_State* lua) {
  push_text(lua, self(lua).jid().text());
  return 1;
}

int push_sessions(lua_State* lua, bool only_available) {
  xmpp::Account& account = self(lua);
  lua_createtable(lua, static_cast<int>(account.sessions().size()), 0);
  int count = 0;
  for (const auto& session : account.sessions()) {
    if (!session->is_open() || (only_available && !session->is_available())) continue;
    Bridge::of(lua).push_session(lua, *session);
    lua_rawseti(lua, -2, ++count);
  }
  return 1;
}
int sessions(lua_State* lua) { return push_sessions(lua, false); }
int available(lua_State* lua) { return push_sessions(lua, true); }

/// account:send_to_available(stanza [, except_sess])
int send_to_available(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  xmpp::Account& account = self(lua);
  const xmpp::Session* except = lua_isnoneornil(lua, 3) ? nullptr : &bridge.check_session(lua, 3);
  {
    const StanzaOf of = stanza_of(bridge.check_node(lua, 2));
    if (of.stanza != nullptr) {
      account.send_to_available(*of.stanza, except);
      return 0;
    }
    push_text(lua, of.why);
  }
  return luaL_argerror(lua, 2, lua_tostring(lua, -1));
}

int send_to_interested(lua_State* lua) {
  xmpp::Account& account = self(lua);
  {
    const StanzaOf of = stanza_of(Bridge::of(lua).check_node(lua, 2));
    if (of.stanza != nullptr) {
      account.send_to_interested(*of.stanza);
      return 0;
    }
    push_text(lua, of.why);
  }
  return luaL_argerror(lua, 2, lua_tostring(lua, -1));
}

int subscribers(lua_State* lua) {
  Bridge::of(lua).push_subscribers(lua, self(lua));
  return 1;
}

}  // namespace

const luaL_Reg kAccountMethods[] = {{"jid", &jid},
                                    {"sessions", &sessions},
                                    {"available", &available},
                                    {"send_to_available", &send_to_available},
                                    {"send_to_interested", &send_to_interested},
                                    {"subscribers", &subscribers},
                                    {nullptr, nullptr}};

}  // namespace impulse::xmpp_lua
