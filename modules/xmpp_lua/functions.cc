// The module msys.xmpp: building and routing stanzas, addresses, domains, time, run_hook.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <utility>
#include <variant>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;
using scriptlet::push_failure;
using scriptlet::push_text;

namespace {

/// xmpp.stanza(kind, { type=, from=, to=, id= })
int stanza(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  const std::string_view kind = check_text(lua, 1);
  luaL_argcheck(lua, kind == "message" || kind == "presence" || kind == "iq", 1,
                "must be \"message\", \"presence\" or \"iq\"");
  if (!lua_isnoneornil(lua, 2)) luaL_checktype(lua, 2, LUA_TTABLE);
  xmpp::Document document(kind, xmpp::ns::kClient);
  if (lua_istable(lua, 2)) {
    for (const char* name : {"type", "from", "to", "id"}) {
      lua_getfield(lua, 2, name);
      if (!lua_isnil(lua, -1)) {
        const std::string_view value = bridge.check_jid_text(lua, -1);
        luaL_argcheck(lua, xmpp::is_xml_text(value), 2, "must hold text that XML allows");
        document.root().set_attribute(name, value);
      }
      lua_pop(lua, 1);
    }
  }
  bridge.push_document(lua, std::move(document));
  return 1;
}

/// Why it cannot be routed, or an empty text.
std::string_view objection(const xmpp::Stanza& stanza) {
  if (!stanza.from()) return "the stanza has no from";
  if (!stanza.to()) return "the stanza has no to";
  return {};
}

/// xmpp.routeStanza(node): true, or nil and why not. Takes the node.
int route_stanza(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  xmpp::EngineLoop& home = bridge.check_home(lua);
  NodeHandle& handle = bridge.check_node(lua, 1);
  StanzaOf of = stanza_of(handle);
  if (of.stanza == nullptr) return push_failure(lua, of.why);
  if (const auto why = objection(*of.stanza); !why.empty()) return push_failure(lua, why);
  DocumentSlot& slot = *handle.slot;
  if (of.copy) {
    home.route(*std::move(of.copy));
  } else if (slot.is_owned) {
    xmpp::Stanza taken = *std::move(slot.own);
    bridge.documents().end(slot);
    home.route(std::move(taken));
  } else {
    home.route(of.stanza->clone());  // the hook's passage still has it
  }
  lua_pushboolean(lua, 1);
  return 1;
}

/// xmpp:send(text): parsed and routed?
int send(lua_State* lua) {
  xmpp::EngineLoop& home = Bridge::of(lua).check_home(lua);
  const int at = lua_istable(lua, 1) ? 2 : 1;
  auto parsed = xmpp::parse_element(check_text(lua, at), xmpp::ns::kClient);
  bool is_sent = false;
  if (parsed) {
    auto made = xmpp::Stanza::from(*std::move(parsed));
    if (auto* good = std::get_if<xmpp::Stanza>(&made); good && objection(*good).empty()) {
      home.route(std::move(*good));
      is_sent = true;
    }
  }
  lua_pushboolean(lua, is_sent ? 1 : 0);
  return 1;
}

/// xmpp.reply_error(stanza, condition [, text])
int reply_error(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  xmpp::EngineLoop& home = bridge.check_home(lua);
  NodeHandle& handle = bridge.check_node(lua, 1);
  const auto condition = xmpp::stanza_condition(check_text(lua, 2));
  luaL_argcheck(lua, condition.has_value(), 2,
                "must be a stanza error condition of RFC 6120 section 8.3.3");
  const std::string_view text = scriptlet::optional_text(lua, 3);
  luaL_argcheck(lua, xmpp::is_xml_text(text), 3, "must be UTF-8 text that XML allows");
  {
    const StanzaOf of = stanza_of(handle);
    if (of.stanza != nullptr) {
      home.refuse(*of.stanza, {*condition, std::string(text)});
      return 0;
    }
    push_text(lua, of.why);
  }
  return luaL_argerror(lua, 1, lua_tostring(lua, -1));
}

/// xmpp.jid(text): a jid object, or nil and what is wrong
int jid(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  if (bridge.is_jid(lua, 1)) {
    lua_settop(lua, 1);
    return 1;
  }
  const auto parsed = xmpp::Jid::parse(check_text(lua, 1));
  if (!parsed) return push_failure(lua, parsed.error().what);
  bridge.push_jid(lua, *parsed);
  return 1;
}

int push_is(lua_State* lua, bool (xmpp::Engine::*question)(std::string_view) const) {
  const auto domain = xmpp::Jid::prepare_domain(check_text(lua, 1));
  lua_pushboolean(lua, domain && (Bridge::of(lua).engine().*question)(*domain) ? 1 : 0);
  return 1;
}
int valid_domain(lua_State* lua) { return push_is(lua, &xmpp::Engine::is_valid_domain); }
int local_domain(lua_State* lua) { return push_is(lua, &xmpp::Engine::is_local_domain); }

double now_seconds() {
  using std::chrono::duration;
  return duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int now(lua_State* lua) {
  lua_pushnumber(lua, now_seconds());
  return 1;
}

/// xmpp.timestamp([t]): XEP-0082, in UTC with milliseconds
int timestamp(lua_State* lua) {
  const double time = luaL_optnumber(lua, 1, now_seconds());
  luaL_argcheck(lua, time >= 0 && time < 253'402'300'800.0, 1,
                "must be seconds since 1970, before the year 10000");
  const auto milliseconds = static_cast<std::int64_t>(std::floor(time * 1000));
  const std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const int rest = std::snprintf(text + length, sizeof text - length, ".%03dZ",
                                 static_cast<int>(milliseconds % 1000));
  lua_pushlstring(lua, text, length + static_cast<std::size_t>(rest));
  return 1;
}

/// xmpp.fan_out(stanza, jidset)
int fan_out(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  xmpp::EngineLoop& home = bridge.check_home(lua);
  NodeHandle& handle = bridge.check_node(lua, 1);
  xmpp::JidSet& recipients = bridge.check_jid_set(lua, 2);
  {
    StanzaOf of = stanza_of(handle);
    if (of.stanza != nullptr && of.stanza->from()) {
      home.fan_out(*of.stanza, recipients);
      return 0;
    }
    push_text(lua, of.stanza ? std::string_view("the stanza has no from") : of.why);
  }
  return luaL_argerror(lua, 1, lua_tostring(lua, -1));
}

int jid_set(lua_State* lua) {
  Bridge::of(lua).push_jid_set(lua, nullptr);
  return 1;
}

constexpr luaL_Reg kFunctions[] = {{"stanza", &stanza},
                                   {"routeStanza", &route_stanza},
                                   {"send", &send},
                                   {"reply_error", &reply_error},
                                   {"jid", &jid},
                                   {"valid_domain", &valid_domain},
                                   {"local_domain", &local_domain},
                                   {"now", &now},
                                   {"timestamp", &timestamp},
                                   {"fan_out", &fan_out},
                                   {"jidset", &jid_set},
                                   {nullptr, nullptr}};

/// In Lua, for its methods may wait. Returns the list of modules, filled once all are loaded.
constexpr std::string_view kRunHook = R"(
local xmpp = ...
local modules, chains = {}, {}

local function chain_of(name)
  local chain = {}
  for i = 1, #modules do
    local method = modules[i][name]
    if type(method) == "function" then
      chain[#chain + 1] = { method = method, module = modules[i] }
    end
  end
  chains[name] = chain
  return chain
end

function xmpp.run_hook(name, ...)
  local chain = chains[name] or chain_of(name)
  for i = 1, #chain do
    if chain[i].method(chain[i].module, ...) == xmpp.DONE then return xmpp.DONE end
  end
  return xmpp.CONT
end

msys.xmpp = xmpp
package.preload["msys.xmpp"] = function() return xmpp end
package.preload["xml"] = function() return xml end
return modules
)";

}  // namespace

void open_xmpp(lua_State* lua, Bridge& bridge) {
  luaL_loadbufferx(lua, kRunHook.data(), kRunHook.size(), "=msys.xmpp", "t");
  lua_newtable(lua);
  for (const luaL_Reg* functions : {kFunctions, kAskingFunctions, kRegisteringFunctions}) {
    set_functions(lua, bridge, functions);
  }
  lua_pushinteger(lua, kCont);
  lua_setfield(lua, -2, "CONT");
  lua_pushliteral(lua, IMPULSE_VERSION);
  lua_setfield(lua, -2, "version");
  lua_pushinteger(lua, kDone);
  lua_setfield(lua, -2, "DONE");
  lua_call(lua, 1, 1);
  bridge.hook_modules = luaL_ref(lua, LUA_REGISTRYINDEX);
}

}  // namespace impulse::xmpp_lua
