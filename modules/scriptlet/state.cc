// One Lua state: its birth, its registered modules, its life on a loop, its end.
#include <algorithm>
#include <utility>

#include "host/host.h"
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

Extension::~Extension() = default;
Library::~Library() = default;
Scriptlets::~Scriptlets() = default;

State::State(Host& host, const log::Source& log, StateOptions options)
    : host_(host), log_(log), parts_(std::make_unique<StateParts>()) {
  parts_->settings = std::move(options);
  parts_->anchor = std::make_shared<Waiter::Anchor>();
  parts_->anchor->state = this;
  lua_ = luaL_newstate();
  IMPULSE_CHECK(lua_ != nullptr);
  const ScriptletOptions& o = parts_->settings.options;
  parts_->memory.install(*this, lua_, o.memory_limit.count);
  parts_->budget.install(lua_, o.budget_ms);
  lua_gc(lua_, LUA_GCSETPAUSE, static_cast<int>(o.gc_pause));
  lua_gc(lua_, LUA_GCSETSTEPMUL, static_cast<int>(o.gc_stepmul));
}

State::~State() {
  abandon();
  parts_->memory.is_enforced = false;
  lua_sethook(lua_, nullptr, 0, 0);
  parts_->memory.uninstall(lua_);
  lua_close(lua_);
}

void State::abandon() {
  parts_->anchor->state = nullptr;  // disarms every waiter
  parts_->timers.clear();
  // Dropping one may run code that takes a coroutine: the vector may grow meanwhile.
  for (std::size_t i = 0; i < parts_->coroutines.size(); ++i) {
    const auto dropped = std::move(parts_->coroutines[i]->done);
  }
}

State& State::of(lua_State* lua) {
  void* memory = nullptr;
  lua_getallocf(lua, &memory);
  return *static_cast<Memory*>(memory)->state;
}

void add_preload(lua_State* lua, const char* name, lua_CFunction open) {
  lua_getglobal(lua, "package");
  lua_getfield(lua, -1, "preload");
  lua_pushcfunction(lua, open);
  lua_setfield(lua, -2, name);
  lua_pop(lua, 2);
}

namespace {

int add_traceback(lua_State* lua) {
  if (lua_isstring(lua, 1)) luaL_traceback(lua, lua, lua_tostring(lua, 1), 1);
  return 1;
}

int open_all(lua_State* lua) {
  luaL_openlibs(lua);
  open_core(lua);
  open_timers(lua);
  open_store(lua);
  open_database(lua);
  return 0;
}

}  // namespace

Result<void> protected_call(lua_State* lua, int arguments, int results) {
  StateParts& parts = State::of(lua).parts();
  const int handler = lua_gettop(lua) - arguments;
  lua_pushcfunction(lua, &add_traceback);
  lua_insert(lua, handler);
  const Budget outer = parts.budget.enter();
  const bool was_enforced = std::exchange(parts.memory.is_enforced, true);
  const int status = lua_pcall(lua, arguments, results, handler);
  parts.memory.is_enforced = was_enforced;
  parts.budget.leave(lua, outer);
  lua_remove(lua, handler);
  if (status == 0) return {};
  std::string text(text_at(lua, -1));
  if (text.empty()) text = std::string("an error value of type ") + luaL_typename(lua, -1);
  lua_pop(lua, 1);
  return Error{ErrorCode::kInvalid, std::move(text)};
}

Result<void> run_prelude(lua_State* lua, std::string_view text, const char* name, int arguments,
                         int results) {
  if (luaL_loadbufferx(lua, text.data(), text.size(), name, "t") != 0) {
    Error error{ErrorCode::kInvalid, std::string(text_at(lua, -1))};
    lua_pop(lua, arguments + 1);
    return error;
  }
  lua_insert(lua, -arguments - 1);
  return protected_call(lua, arguments, results);
}

Result<void> State::open(const std::vector<Library*>& libraries) {
  lua_pushcfunction(lua_, &open_all);
  if (auto opened = protected_call(lua_, 0, 0); !opened) return opened;
  if (auto opened = open_json(lua_); !opened) return opened;
  if (auto opened = open_scripts(lua_); !opened) return opened;
  for (Library* library : libraries) parts_->extensions.push_back(library->open(*this));
  lua_settop(lua_, 0);
  return {};
}

void State::check_loading(lua_State* lua, const char* function) const {
  if (is_loading()) return;
  luaL_error(lua, "%s must be called while the script is loaded, not later", function);
}

int State::register_module(lua_State* lua) {
  check_loading(lua, "registerModule");
  const std::string_view name = check_text(lua, 1);
  luaL_checktype(lua, 2, LUA_TTABLE);
  for (const RegisteredModule& other : modules_) {
    if (other.name == name) {
      return luaL_error(lua, "registerModule: there is a module \"%s\" already",
                        lua_tostring(lua, 1));
    }
  }
  bool has_method = false;
  for (lua_pushnil(lua); lua_next(lua, 2) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) != LUA_TSTRING || lua_type(lua, -1) != LUA_TFUNCTION) continue;
    const std::string_view key = text_at(lua, -2);
    has_method =
        has_method || key == "init" || key == "deinit" || key.find('_') != std::string_view::npos;
  }
  if (!has_method) {
    log::write(log_, log::Level::kWarning, "scriptlet_module_without_methods",
               {{"text", "no usable methods found for module " + std::string(name) +
                             " in registerModule call"}});
  }
  lua_getfield(lua, 2, "order");
  const int order = static_cast<int>(luaL_optinteger(lua, -1, 0));
  lua_settop(lua, 2);
  const int table = luaL_ref(lua, LUA_REGISTRYINDEX);
  const auto at = std::upper_bound(modules_.begin(), modules_.end(), order,
                                   [](int o, const RegisteredModule& m) { return o < m.order; });
  modules_.insert(at, RegisteredModule{std::string(name), table, order});
  return 0;
}

Result<void> State::finish_loading() {
  for (const RegisteredModule& module : modules_) {
    lua_rawgeti(lua_, LUA_REGISTRYINDEX, module.table);
    lua_getfield(lua_, -1, "init");
    if (lua_isnil(lua_, -1)) {
      lua_pop(lua_, 2);
      continue;
    }
    lua_insert(lua_, -2);
    if (auto called = protected_call(lua_, 1, 1); !called) {
      return std::move(called).error().in("init() of module \"" + module.name + "\"");
    }
    const bool is_true = lua_isboolean(lua_, -1) && lua_toboolean(lua_, -1) != 0;
    const std::string type = luaL_typename(lua_, -1);
    lua_pop(lua_, 1);
    if (!is_true) {
      return Error{ErrorCode::kInvalid, "init() of module \"" + module.name + "\" returned " +
                                            (type == "boolean" ? "false" : type) +
                                            ", not true: the configuration is refused"};
    }
  }
  is_loaded_ = true;
  for (auto& extension : parts_->extensions) {
    if (auto loaded = extension->loaded(); !loaded) return loaded;
  }
  return {};
}

void State::attach(event::Loop& loop) {
  IMPULSE_AT_HOME(loop);
  loop_ = &loop;
  parts_->reaper = loop.every(parts_->settings.options.reap_interval, [this] { reap(); });
  for (auto& extension : parts_->extensions) extension->attached();
  start_timers(*this);
}

void State::retire(UniqueFunction<void()> idle) {
  if (is_retired_) return;
  is_retired_ = true;
  stop_timers(*this);
  for (auto& extension : parts_->extensions) extension->detached();
  for (const RegisteredModule& module : modules_) {
    lua_rawgeti(lua_, LUA_REGISTRYINDEX, module.table);
    lua_getfield(lua_, -1, "deinit");
    if (lua_isfunction(lua_, -1)) {
      lua_insert(lua_, -2);
      if (auto called = protected_call(lua_, 1, 0); !called) {
        LOG(log_, kError, "scriptlet_error", {"module", module.name},
            {"error", called.error().what});
      }
    }
    lua_settop(lua_, 0);
  }
  if (is_idle()) {
    if (idle) idle();
  } else {
    parts_->idle = std::move(idle);
  }
}

}  // namespace impulse::scriptlet
