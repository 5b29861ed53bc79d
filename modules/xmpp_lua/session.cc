// The methods of a session in Lua.
#include <optional>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;
using scriptlet::push_text;

namespace {

xmpp::Session& self(lua_State* lua) { return Bridge::of(lua).check_session(lua, 1); }

int jid(lua_State* lua) {
  Bridge::of(lua).push_jid(lua, self(lua).jid());
  return 1;
}
int peer(lua_State* lua) {
  push_text(lua, self(lua).peer());
  return 1;
}
int mechanism(lua_State* lua) {
  push_text(lua, self(lua).mechanism());
  return 1;
}
int is_tls(lua_State* lua) {
  lua_pushboolean(lua, self(lua).is_tls() ? 1 : 0);
  return 1;
}
int is_open(lua_State* lua) {
  lua_pushboolean(lua, self(lua).is_open() ? 1 : 0);
  return 1;
}
int account(lua_State* lua) {
  Bridge::of(lua).push_account(lua, self(lua).account());
  return 1;
}

int send(lua_State* lua) {
  xmpp::Session& session = self(lua);
  {
    const StanzaOf of = stanza_of(Bridge::of(lua).check_node(lua, 2));
    if (of.stanza != nullptr) {
      session.send(*of.stanza);
      return 0;
    }
    push_text(lua, of.why);
  }
  return luaL_argerror(lua, 2, lua_tostring(lua, -1));
}

int presence(lua_State* lua) {
  const xmpp::Stanza* last = self(lua).presence();
  if (last == nullptr) return 0;
  Bridge::of(lua).push_document(lua, xmpp::Document::copy_of(last->element()));
  return 1;
}

int set_presence(lua_State* lua) {
  xmpp::Session& session = self(lua);
  const char* wrong = nullptr;
  {
    const StanzaOf of = stanza_of(Bridge::of(lua).check_node(lua, 2));
    if (of.stanza == nullptr || !of.stanza->is_presence() ||
        (of.stanza->presence_type() != xmpp::PresenceType::kAvailable &&
         of.stanza->presence_type() != xmpp::PresenceType::kUnavailable)) {
      wrong = "must be a presence stanza without type, or of type unavailable";
    } else {
      session.set_presence(*of.stanza);
    }
  }
  return wrong == nullptr ? 0 : luaL_argerror(lua, 2, wrong);
}

int presence_time(lua_State* lua) {
  lua_pushnumber(lua, static_cast<double>(self(lua).presence_time_us()) / 1e6);
  return 1;
}
int priority(lua_State* lua) {
  lua_pushinteger(lua, self(lua).priority());
  return 1;
}
int is_available(lua_State* lua) {
  lua_pushboolean(lua, self(lua).is_available() ? 1 : 0);
  return 1;
}
int is_interested(lua_State* lua) {
  lua_pushboolean(lua, self(lua).is_interested() ? 1 : 0);
  return 1;
}
int set_interested(lua_State* lua) {
  self(lua).set_interested();
  return 0;
}

std::optional<xmpp::StreamCondition> stream_condition(std::string_view name) {
  constexpr int kLast = static_cast<int>(xmpp::StreamCondition::kUnsupportedVersion);
  for (int i = 0; i <= kLast; ++i) {
    const auto condition = static_cast<xmpp::StreamCondition>(i);
    if (name_of(condition) == name) return condition;
  }
  return std::nullopt;
}

/// sess:close(condition [, text])
int close(lua_State* lua) {
  xmpp::Session& session = self(lua);
  const auto condition = stream_condition(check_text(lua, 2));
  luaL_argcheck(lua, condition.has_value(), 2,
                "must be a stream error condition of RFC 6120 section 4.9.3");
  const std::string_view text = scriptlet::optional_text(lua, 3);
  session.close({*condition, std::string(text)});
  return 0;
}

/// sess:has_directed(jid): did this address get directed presence, and no unavailable since?
int has_directed(lua_State* lua) {
  const xmpp::Session& session = self(lua);
  lua_pushboolean(lua, session.directed().contains(check_text(lua, 2)) ? 1 : 0);
  return 1;
}

/// sess:take_directed(): who got directed presence and no unavailable since; forgotten by this
int take_directed(lua_State* lua) {
  const std::vector<std::string> jids = self(lua).take_directed();
  lua_createtable(lua, static_cast<int>(jids.size()), 0);
  for (std::size_t i = 0; i < jids.size(); ++i) {
    push_text(lua, jids[i]);
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
  return 1;
}

}  // namespace

const luaL_Reg kSessionMethods[] = {{"jid", &jid},
                                    {"peer", &peer},
                                    {"mechanism", &mechanism},
                                    {"is_tls", &is_tls},
                                    {"is_open", &is_open},
                                    {"account", &account},
                                    {"send", &send},
                                    {"presence", &presence},
                                    {"set_presence", &set_presence},
                                    {"presence_time", &presence_time},
                                    {"priority", &priority},
                                    {"is_available", &is_available},
                                    {"is_interested", &is_interested},
                                    {"set_interested", &set_interested},
                                    {"has_directed", &has_directed},
                                    {"take_directed", &take_directed},
                                    {"close", &close},
                                    {nullptr, nullptr}};

}  // namespace impulse::xmpp_lua
