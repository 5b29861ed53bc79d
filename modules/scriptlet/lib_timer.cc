// The module msys.timer: functions called later, once or again and again.
#include <chrono>
#include <cmath>

#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

constexpr const char* kTimer = "msys.timer";

std::uint64_t check_timer(lua_State* lua) {
  return *static_cast<std::uint64_t*>(luaL_checkudata(lua, 1, kTimer));
}

void forget(State& state, std::uint64_t id) {
  auto& timers = state.parts().timers;
  const auto at = timers.find(id);
  if (at == timers.end()) return;
  luaL_unref(state.lua(), LUA_REGISTRYINDEX, at->second.function);
  timers.erase(at);
}

void start(State& state, std::uint64_t id) {
  ScriptTimer& entry = state.parts().timers[id];
  auto fire = [&state, id] {
    auto& timers = state.parts().timers;
    const auto at = timers.find(id);
    if (at == timers.end()) return;
    Call call(state);
    lua_rawgeti(call.stack(), LUA_REGISTRYINDEX, at->second.function);
    if (!at->second.repeats) forget(state, id);
    if (call.start(0) == Outcome::kWaits) call.then(nullptr);
  };
  event::Loop& loop = *state.loop();
  entry.timer = entry.repeats ? loop.every(entry.delay, fire) : loop.after(entry.delay, fire);
}

int make(lua_State* lua, double seconds, bool repeats) {
  luaL_argcheck(lua, seconds >= 0 && seconds <= 31'536'000, 1,
                "must be a time from now to a year ahead");
  luaL_checktype(lua, 2, LUA_TFUNCTION);
  luaL_optlstring(lua, 3, "", nullptr);
  lua_settop(lua, 3);
  State& state = State::of(lua);
  if (state.is_retired()) {
    return luaL_error(lua, "timers cannot be set: this configuration was replaced");
  }
  auto* handle = static_cast<std::uint64_t*>(lua_newuserdata(lua, sizeof(std::uint64_t)));
  luaL_getmetatable(lua, kTimer);
  lua_setmetatable(lua, -2);
  lua_pushvalue(lua, 2);
  const int function = luaL_ref(lua, LUA_REGISTRYINDEX);
  const std::uint64_t id = ++state.parts().last_timer;
  *handle = id;
  ScriptTimer& entry = state.parts().timers[id];
  entry.function = function;
  entry.delay = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e3)));
  entry.repeats = repeats;
  entry.name = optional_text(lua, 3);
  if (state.loop() != nullptr) start(state, id);
  return 1;
}

int after(lua_State* lua) { return make(lua, luaL_checknumber(lua, 1), false); }
int every(lua_State* lua) {
  const double seconds = luaL_checknumber(lua, 1);
  luaL_argcheck(lua, seconds >= 0.001, 1, "must be a millisecond or more");
  return make(lua, seconds, true);
}
int at(lua_State* lua) {
  using std::chrono::duration;
  const double now = duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return make(lua, std::max(0.0, luaL_checknumber(lua, 1) - now), false);
}

int stop(lua_State* lua) {
  State& state = State::of(lua);
  const auto entry = state.parts().timers.find(check_timer(lua));
  const bool was_running = entry != state.parts().timers.end();
  if (was_running) forget(state, entry->first);
  lua_pushboolean(lua, was_running ? 1 : 0);
  return 1;
}

int name(lua_State* lua) {
  const auto& timers = State::of(lua).parts().timers;
  const auto entry = timers.find(check_timer(lua));
  if (entry == timers.end()) return 0;
  push_text(lua, entry->second.name);
  return 1;
}

}  // namespace

void open_timers(lua_State* lua) {
  static constexpr luaL_Reg kMethods[] = {{"stop", &stop}, {"name", &name}, {nullptr, nullptr}};
  static constexpr luaL_Reg kFunctions[] = {
      {"after", &after}, {"every", &every}, {"at", &at}, {nullptr, nullptr}};
  luaL_newmetatable(lua, kTimer);
  lua_newtable(lua);
  luaL_setfuncs(lua, kMethods, 0);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 1);
  lua_getglobal(lua, "msys");
  lua_newtable(lua);
  luaL_setfuncs(lua, kFunctions, 0);
  lua_setfield(lua, -2, "timer");
  lua_pop(lua, 1);
}

void start_timers(State& state) {
  for (auto& [id, entry] : state.parts().timers) {
    if (entry.function != LUA_NOREF && !entry.timer.is_running()) start(state, id);
  }
}

void stop_timers(State& state) {
  auto& timers = state.parts().timers;
  for (auto at = timers.begin(); at != timers.end();) {
    const std::uint64_t id = at->first;
    const bool is_sleep = at->second.function == LUA_NOREF;
    ++at;
    if (!is_sleep) forget(state, id);
  }
}

}  // namespace impulse::scriptlet
