// What a State is made of; private to this module.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "modules/scriptlet/api.h"
#include "modules/scriptlet/options.h"

namespace impulse::scriptlet {

/// How the module asks for the default datasource; shared by all states.
using DefaultDatasource = std::function<store::Datasource*()>;

/// A directory in which scripts are searched.
struct ScriptDirectory {
  std::string path;
  bool is_ours = false;  ///< comes with the server: compiled
};

/// All that a state needs to know of the configuration.
struct StateOptions {
  ScriptletOptions options;
  std::vector<ScriptDirectory> directories;
  std::shared_ptr<const DefaultDatasource> default_datasource;  // owners: the module, its states
};

/// Counts the memory of a state and refuses more than its limit while scripts run. It is also how
/// State::of() gets from Lua to C++: it is the allocator's argument.
struct Memory {
  State* state = nullptr;
  lua_Alloc allocate = nullptr;
  void* argument = nullptr;
  std::size_t used = 0;
  std::size_t limit = 0;  ///< 0 = none
  /// Only inside a protected call may an allocation fail; elsewhere it would end the process.
  bool is_enforced = false;
  bool was_exceeded = false;
  std::size_t outside = 0;  ///< outside memory counted since the last step of the collector

  void install(State& owner, lua_State* lua, std::size_t limit_bytes);
  void uninstall(lua_State* lua);
  /// May run the collector after a run; call when nothing runs.
  void settle(lua_State* lua);
};

/// Cuts off what runs too long. The hook is called every kSlice instructions.
struct Budget {
  static constexpr int kSlice = 10'000;
  std::uint64_t slices = 0;  ///< since the running call began or was resumed
  std::uint64_t most_slices = 1000;
  std::int64_t began_ns = 0;  ///< processor time at the first slice
  std::int64_t most_ns = 0;
  bool is_spent = false;

  void install(lua_State* lua, std::uint32_t budget_ms);
  /// A run begins; answers what to give to leave() at its end.
  Budget enter();
  void leave(lua_State* lua, const Budget& outer);
};

}  // namespace impulse::scriptlet

namespace impulse::scriptlet {

/// A Lua thread from the pool. Owned by StateParts.
struct Coroutine {
  State* state = nullptr;
  lua_State* lua = nullptr;  ///< nullptr = is made when it is taken
  int reference = LUA_NOREF;
  std::size_t index = 0;   ///< in StateParts::coroutines
  std::uint64_t wait = 0;  ///< number of the present or last wait
  bool waits = false;      ///< begin_wait() was called and the answer has not come
  bool has_yielded = false;
  bool may_wait = true;
  UniqueFunction<void(Call, Outcome)> done;
};

/// Reaches the state from waiters; null once it is gone.
struct Waiter::Anchor {
  State* state = nullptr;
};

/// A running or stopped msys.timer.
struct ScriptTimer {
  event::Timer timer;
  int function = LUA_NOREF;
  std::chrono::milliseconds delay{0};
  bool repeats = false;
  std::string name;
};

struct StateParts {
  StateOptions settings;
  Memory memory;
  Budget budget;
  std::shared_ptr<Waiter::Anchor> anchor;
  std::vector<std::unique_ptr<Extension>> extensions;
  std::vector<std::unique_ptr<Coroutine>> coroutines;
  std::vector<Coroutine*> spare;
  std::size_t least_spare = 0;  ///< since the last reaping
  std::size_t waiting = 0;
  Coroutine* current = nullptr;
  int depth = 0;
  event::Timer reaper;
  std::map<std::uint64_t, ScriptTimer> timers;
  std::uint64_t last_timer = 0;
  UniqueFunction<void()> idle;
};

/// Adds the functions of one file under the preloaded name; `open` leaves the module's table on
/// the stack.
void add_preload(lua_State* lua, const char* name, lua_CFunction open);
/// Calls the C functions in a protected call: what Lua raises becomes an Error with a traceback.
Result<void> protected_call(lua_State* lua, int arguments, int results);
/// Runs Lua text that belongs to this program with the values on the stack as its arguments.
Result<void> run_prelude(lua_State* lua, std::string_view text, const char* name, int arguments,
                         int results);

// Each in its own file; all leave the stack as it was. Called inside a protected call.
void open_core(lua_State* lua);          // lib_core.cc
void open_timers(lua_State* lua);        // lib_timer.cc
void open_store(lua_State* lua);         // lib_store.cc
void open_database(lua_State* lua);      // lib_db.cc
Result<void> open_json(lua_State* lua);  // lib_json.cc
/// From here require() knows our directories and the preloaded modules only.
Result<void> open_scripts(lua_State* lua);  // scripts.cc
void start_timers(State& state);
/// Timers stop for good when the state is replaced.
void stop_timers(State& state);

}  // namespace impulse::scriptlet
