// The table msys: registering, constants, logging, sleeping, base64, files.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <optional>

#include "modules/scriptlet/base64.h"
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

struct Constant {
  const char* name;
  int value;
};

constexpr Constant kConstants[] = {
    {"CONT", 0},           {"DONE", 1},      {"VALIDATE_CONT", 0}, {"VALIDATE_DONE", 1},
    {"VALIDATE_AGAIN", 2}, {"LOG_DEBUG", 0}, {"LOG_INFO", 1},      {"LOG_NOTICE", 2},
    {"LOG_WARNING", 3},    {"LOG_ERROR", 4}, {"LOG_CRITICAL", 5},
};

int register_module(lua_State* lua) { return State::of(lua).register_module(lua); }

/// print(...): always written, whatever the level of the module is.
int print(lua_State* lua) {
  const int count = lua_gettop(lua);
  lua_getglobal(lua, "tostring");
  luaL_Buffer text;
  luaL_buffinit(lua, &text);
  for (int i = 1; i <= count; ++i) {
    if (i > 1) luaL_addchar(&text, '\t');
    lua_pushvalue(lua, count + 1);
    lua_pushvalue(lua, i);
    lua_call(lua, 1, 1);
    if (!lua_isstring(lua, -1)) return luaL_error(lua, "'tostring' must return a string");
    luaL_addvalue(&text);
  }
  luaL_pushresult(&text);
  log::write(State::of(lua).log(), log::Level::kNotice, "scriptlet_print",
             {{"text", text_at(lua, -1)}});
  return 0;
}

int log_text(lua_State* lua) {
  const lua_Integer level = luaL_checkinteger(lua, 1);
  luaL_argcheck(lua, level >= 0 && level <= 5, 1, "must be a msys.core.LOG_ level (0 to 5)");
  const std::string_view text = check_text(lua, 2);
  const log::Source& source = State::of(lua).log();
  const auto severity = static_cast<log::Level>(level);
  if (source.wants(severity)) log::write(source, severity, "scriptlet_log", {{"text", text}});
  return 0;
}

int sleep(lua_State* lua) {
  const double seconds = luaL_checknumber(lua, 1);
  luaL_argcheck(lua, seconds >= 0 && seconds <= 86'400, 1, "must be 0 to 86400 seconds");
  State& state = State::of(lua);
  state.check_wait(lua);
  // The timer belongs to the state: it is stopped when the state dies.
  auto& timers = state.parts().timers;
  const std::uint64_t id = ++state.parts().last_timer;
  const auto delay = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e3)));
  timers[id].timer =
      state.loop()->after(delay, [&timers, id, waiter = state.begin_wait(lua)]() mutable {
        Waiter awake = std::move(waiter);
        timers.erase(id);
        awake.resume([](lua_State*) { return 0; });
      });
  return lua_yield(lua, 0);
}

int async_ok(lua_State* lua) {
  lua_pushboolean(lua, State::of(lua).may_wait(lua) ? 1 : 0);
  return 1;
}

int encode(lua_State* lua) {
  push_text(lua, base64_encode(check_text(lua, 1)));
  return 1;
}

int decode(lua_State* lua) {
  const auto bytes = base64_decode(check_text(lua, 1));
  if (!bytes) return push_failure(lua, "not base64 (RFC 4648 section 4)");
  push_text(lua, *bytes);
  return 1;
}

int read_file(lua_State* lua) {
  std::string_view path = check_text(lua, 1);
  if (path.starts_with("file:")) path.remove_prefix(5);
  std::ifstream file{std::string(path), std::ios::binary};
  if (!file) return push_failure(lua, "cannot open '" + std::string(path) + "'");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return push_failure(lua, "cannot read '" + std::string(path) + "'");
  push_text(lua, text);
  return 1;
}

/// Leaves msys.<field> of the registry's msys on the stack: what the preloaded modules answer.
int open_field(lua_State* lua) {
  lua_getglobal(lua, "msys");
  const std::string_view name = check_text(lua, 1);
  if (name == "msys") return 1;
  lua_getfield(lua, -1, name.substr(name.find('.') + 1).data());
  return 1;
}

}  // namespace

void open_core(lua_State* lua) {
  static constexpr luaL_Reg kFunctions[] = {{"registerModule", &register_module},
                                            {"log", &log_text},
                                            {"sleep", &sleep},
                                            {"asyncOk", &async_ok},
                                            {"readfile", &read_file},
                                            {nullptr, nullptr}};
  static constexpr luaL_Reg kBase64[] = {
      {"encode", &encode}, {"decode", &decode}, {nullptr, nullptr}};
  lua_newtable(lua);
  luaL_setfuncs(lua, kFunctions, 0);
  lua_newtable(lua);
  for (const Constant& constant : kConstants) {
    lua_pushinteger(lua, constant.value);
    lua_setfield(lua, -2, constant.name);
  }
  lua_setfield(lua, -2, "core");
  lua_newtable(lua);
  luaL_setfuncs(lua, kBase64, 0);
  lua_setfield(lua, -2, "base64");
  lua_setglobal(lua, "msys");
  lua_pushcfunction(lua, &print);
  lua_setglobal(lua, "print");
  for (const char* name :
       {"msys", "msys.core", "msys.base64", "msys.timer", "msys.store", "msys.db"}) {
    add_preload(lua, name, &open_field);
  }
}

}  // namespace impulse::scriptlet
