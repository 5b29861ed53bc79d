// Everything other modules may know of scriptlets: states, calls that may wait, libraries.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/function.h"
#include "host/base/log.h"
#include "host/event/loop.h"
#include "host/module/descriptor.h"
#include "modules/scriptlet/stack.h"

namespace impulse {
class Host;
namespace store {
class Datasource;
}
}  // namespace impulse

namespace impulse::scriptlet {

class State;
struct Coroutine;
struct StateParts;
struct StateOptions;

/// What a library keeps for one state. Its Lua functions may refer to it: it outlives the
/// lua_State. Home, once attached.
class IMPULSE_EXPORT Extension {
 public:
  virtual ~Extension();
  /// All scripts were run; nothing more will be registered. An error refuses the generation.
  virtual Result<void> loaded() { return {}; }
  /// The state begins its work on its loop: hook up.
  virtual void attached() {}
  /// The state is replaced, or the server stops: unhook. Calls that wait may still come back.
  virtual void detached() {}
};

/// A part of the Lua world that another module adds to each state.
class IMPULSE_EXPORT Library {
 public:
  virtual ~Library();
  /// Called for each new state before any script: adds globals and preloaded modules. May be
  /// called on a thread that is not the state's loop; nothing else happens to the state meanwhile.
  virtual std::unique_ptr<Extension> open(State& state) = 0;
};

/// A table that a script registered under a name.
struct RegisteredModule {
  std::string name;
  int table = LUA_NOREF;  ///< reference in the registry
  int order = 0;          ///< mod.order: lower is asked first
};

/// Continues the coroutine that waits for it. Moves; using it up or dropping it is the only thing
/// to do with it. Drop: any thread.
class IMPULSE_EXPORT Waiter {
 public:
  Waiter() = default;
  Waiter(Waiter&& other) noexcept = default;
  Waiter& operator=(Waiter&& other) noexcept = default;

  /// Resumes the coroutine; what `push` pushes onto its stack (it returns how many) are the results
  /// of the call that waited. Does nothing when the state is gone. Called at once inside the call
  /// that waits, it takes effect after the loop turn. Home.
  void resume(UniqueFunction<int(lua_State*)> push);

 private:
  friend class State;
  struct Anchor;
  friend struct StateParts;
  std::shared_ptr<Anchor> anchor_;  // owners: the state and all its waiters
  Coroutine* coroutine_ = nullptr;
  std::uint64_t wait_ = 0;
};

/// How a call of Lua went so far.
enum class Outcome { kReturned, kFailed, kWaits };

/// A function called in a coroutine of its own. Push the function and its arguments onto stack(),
/// then start(). Home.
class IMPULSE_EXPORT Call {
 public:
  /// With `may_wait` false, a binding that has to wait raises an error.
  explicit Call(State& state, bool may_wait = true);
  Call(Call&& other) noexcept;
  Call& operator=(Call&&) = delete;
  /// Gives the coroutine back, unless it waits.
  ~Call();

  lua_State* stack() const;
  State& state() const { return *state_; }
  /// Runs it. kReturned: the results are on stack() from index 1; clear it and start again if you
  /// like. kFailed: the error was logged with its traceback. kWaits: say then().
  Outcome start(int arguments);
  /// Only after kWaits, once: `done` is called on the loop with kReturned or kFailed, with the
  /// coroutine in the hands of the Call that is passed. Dropped uncalled when the state goes away
  /// before.
  void then(UniqueFunction<void(Call, Outcome)> done);

 private:
  friend class State;
  friend class Waiter;
  Call(State& state, Coroutine& coroutine) : state_(&state), coroutine_(&coroutine) {}
  State* state_;
  Coroutine* coroutine_;  // nullptr = moved from, or left waiting
};

/// One Lua state: built on any thread, then attached to a loop. Home.
class IMPULSE_EXPORT State {
 public:
  State(Host& host, const log::Source& log, StateOptions options);
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// The state to which `lua` (any coroutine of it) belongs. Costs next to nothing.
  static State& of(lua_State* lua);

  lua_State* lua() const { return lua_; }
  Host& host() const { return host_; }
  const log::Source& log() const { return log_; }
  /// nullptr while it is being prepared.
  event::Loop* loop() const { return loop_; }
  bool is_loading() const { return loop_ == nullptr && !is_loaded_; }
  bool is_retired() const { return is_retired_; }

  /// For bindings that register something: raises unless scripts are being loaded.
  void check_loading(lua_State* lua, const char* function) const;
  /// msys.registerModule(name, mod): the arguments are at 1 and 2.
  int register_module(lua_State* lua);
  /// By order, then in order of registration.
  const std::vector<RegisteredModule>& modules() const { return modules_; }

  /// For a binding that waits: raises where that is not possible. Then begin_wait(), hand the
  /// Waiter to whoever will have the answer, and `return lua_yield(lua, 0)`.
  void check_wait(lua_State* lua) const;
  bool may_wait(lua_State* lua) const;
  Waiter begin_wait(lua_State* lua);

  /// Tells the collector of memory outside of Lua that a Lua value keeps.
  void count_outside_memory(lua_State* lua, std::size_t bytes);

  /// Calls the function behind the registry reference `function` with what `push_arguments` pushes
  /// (it returns how many); `done` gets the stack with the results, or nullptr on failure.
  void run(int function, UniqueFunction<int(lua_State*)> push_arguments,
           UniqueFunction<void(lua_State*)> done);

  // For the module itself.
  /// Opens the standard and msys libraries and those of other modules.
  Result<void> open(const std::vector<Library*>& libraries);
  /// Runs one script by its source name, as require() would.
  Result<void> load_script(const std::string& source, bool jit);
  /// Calls each init() and tells the libraries.
  Result<void> finish_loading();
  void attach(event::Loop& loop);
  /// Unhooks and calls each deinit(). Coroutines that wait may end; then `idle` is called.
  void retire(UniqueFunction<void()> idle);
  bool is_idle() const;
  /// Nothing that waits comes back any more; what waited for it is dropped. Before the things that
  /// it would come back to go away.
  void abandon();
  StateParts& parts() { return *parts_; }

 private:
  friend class Call;
  friend class Waiter;
  Coroutine& take_coroutine();
  void give_back(Coroutine& coroutine);
  Outcome resume(Coroutine& coroutine, int arguments);
  void log_failure(Coroutine& coroutine);
  void end_wait(Coroutine& coroutine, UniqueFunction<int(lua_State*)> push);
  void call_lifecycle(const char* method, std::string* error);
  void reap();

  Host& host_;
  const log::Source& log_;
  std::unique_ptr<StateParts> parts_;  // state_parts.h
  lua_State* lua_ = nullptr;
  event::Loop* loop_ = nullptr;
  std::vector<RegisteredModule> modules_;
  bool is_loaded_ = false;
  bool is_retired_ = false;
};

/// The module as other modules see it. Main thread.
class IMPULSE_EXPORT Scriptlets {
 public:
  static constexpr std::string_view kServiceName = "scriptlet::Scriptlets";
  virtual ~Scriptlets();
  /// Adds a library to the states of all generations prepared from now on. It must outlive this.
  virtual void add_library(Library& library) = 0;
  /// Where require("msys.store") keeps things; asked at each use, on any loop.
  virtual void set_default_datasource(std::function<store::Datasource*()> find) = 0;
};

}  // namespace impulse::scriptlet
