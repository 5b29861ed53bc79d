// Coroutines: taken from a pool, run, left waiting, resumed.
#include <utility>

#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

/// Calls within calls (a hook that routes a stanza whose hook routes ...); each takes C stack.
constexpr int kMostNested = 16;

}  // namespace

Coroutine& State::take_coroutine() {
  if (parts_->spare.empty()) {
    auto made = std::make_unique<Coroutine>();
    made->state = this;
    made->index = parts_->coroutines.size();
    parts_->coroutines.push_back(std::move(made));
    parts_->spare.push_back(parts_->coroutines.back().get());
  }
  Coroutine& taken = *parts_->spare.back();
  parts_->spare.pop_back();
  parts_->least_spare = std::min(parts_->least_spare, parts_->spare.size());
  if (taken.lua == nullptr) {
    taken.lua = lua_newthread(lua_);
    taken.reference = luaL_ref(lua_, LUA_REGISTRYINDEX);
  }
  return taken;
}

namespace {

void erase(StateParts& parts, lua_State* lua, Coroutine& coroutine) {
  luaL_unref(lua, LUA_REGISTRYINDEX, coroutine.reference);
  const std::size_t index = coroutine.index;
  std::swap(parts.coroutines[index], parts.coroutines.back());
  parts.coroutines[index]->index = index;
  parts.coroutines.pop_back();
}

/// What failed cannot be resumed: the coroutine gets another Lua thread when it is next taken.
void forget_thread(lua_State* lua, Coroutine& coroutine) {
  luaL_unref(lua, LUA_REGISTRYINDEX, coroutine.reference);
  coroutine.reference = LUA_NOREF;
  coroutine.lua = nullptr;
}

}  // namespace

void State::give_back(Coroutine& coroutine) {
  coroutine.done = nullptr;
  coroutine.may_wait = true;
  if (coroutine.lua != nullptr) lua_settop(coroutine.lua, 0);
  if (parts_->spare.size() >= parts_->settings.options.max_spare_per_master) {
    erase(*parts_, lua_, coroutine);
  } else {
    parts_->spare.push_back(&coroutine);
  }
}

void State::reap() {
  for (std::size_t i = parts_->least_spare; i > 0 && !parts_->spare.empty(); --i) {
    Coroutine* coroutine = parts_->spare.back();
    parts_->spare.pop_back();
    erase(*parts_, lua_, *coroutine);
  }
  parts_->least_spare = parts_->spare.size();
}

Outcome State::resume(Coroutine& coroutine, int arguments) {
  StateParts& parts = *parts_;
  if (parts.depth >= kMostNested) {
    LOG(log_, kError, "scriptlet_error",
        {"error", "scripts called each other too deeply (a hook that causes itself?)"});
    lua_settop(coroutine.lua, 0);
    return Outcome::kFailed;
  }
  Coroutine* outer = std::exchange(parts.current, &coroutine);
  const Budget outer_budget = parts.budget.enter();
  ++parts.depth;
  parts.memory.is_enforced = true;
  const int status = lua_resume(coroutine.lua, arguments);
  parts.memory.is_enforced = false;
  --parts.depth;
  parts.budget.leave(lua_, outer_budget);
  parts.current = outer;

  Outcome outcome = Outcome::kFailed;
  if (status == 0) {
    outcome = Outcome::kReturned;
  } else if (status == LUA_YIELD && coroutine.waits) {
    coroutine.has_yielded = true;
    ++parts.waiting;
    return Outcome::kWaits;
  } else {
    if (status == LUA_YIELD) {
      LOG(log_, kError, "scriptlet_error",
          {"error", "coroutine.yield called outside of a coroutine of the script"});
    } else {
      log_failure(coroutine);
    }
    coroutine.waits = false;
    forget_thread(lua_, coroutine);
  }
  if (parts.depth == 0) {
    parts.memory.settle(lua_);
    if (parts.settings.options.always_gc) lua_gc(lua_, LUA_GCSTEP, 0);
  }
  return outcome;
}

void State::log_failure(Coroutine& coroutine) {
  lua_State* lua = coroutine.lua;
  const char* message = lua_tostring(lua, -1);
  const std::string first = message != nullptr
                                ? message
                                : std::string("an error value of type ") + luaL_typename(lua, -1);
  luaL_traceback(lua_, lua, nullptr, 0);
  LOG(log_, kError, "scriptlet_error", {"error", first}, {"trace", text_at(lua_, -1)});
  lua_pop(lua_, 1);
}

bool State::may_wait(lua_State* lua) const {
  const Coroutine* current = parts_->current;
  return loop_ != nullptr && current != nullptr && current->lua == lua && current->may_wait &&
         lua_isyieldable(lua) != 0;
}

void State::check_wait(lua_State* lua) const {
  if (may_wait(lua)) return;
  const Coroutine* current = parts_->current;
  const char* why = "inside a function called by table.sort, string.gsub or another C function";
  if (loop_ == nullptr) {
    why = "while scripts are loaded: the event loops do not run yet; use msys.timer.after";
  } else if (current == nullptr) {
    why = "in init() or deinit()";
  } else if (current->lua != lua) {
    why = "inside a coroutine that the script made";
  } else if (!current->may_wait) {
    why = "in this hook: it must answer at once";
  }
  luaL_error(lua, "this call has to wait, which is not possible %s", why);
}

Waiter State::begin_wait(lua_State*) {
  Coroutine& coroutine = *parts_->current;
  coroutine.waits = true;
  coroutine.has_yielded = false;
  Waiter waiter;
  waiter.anchor_ = parts_->anchor;
  waiter.coroutine_ = &coroutine;
  waiter.wait_ = ++coroutine.wait;
  return waiter;
}

void Waiter::resume(UniqueFunction<int(lua_State*)> push) {
  if (anchor_ == nullptr || anchor_->state == nullptr) return;
  State& state = *anchor_->state;
  if (coroutine_->wait != wait_ || !coroutine_->waits) return;
  if (!coroutine_->has_yielded) {  // called inside the binding, before its lua_yield
    state.loop()->post([waiter = std::move(*this), push = std::move(push)]() mutable {
      waiter.resume(std::move(push));
    });
    return;
  }
  const auto anchor = std::move(anchor_);
  state.end_wait(*coroutine_, std::move(push));
}

void State::end_wait(Coroutine& coroutine, UniqueFunction<int(lua_State*)> push) {
  coroutine.waits = false;
  coroutine.has_yielded = false;
  --parts_->waiting;
  lua_checkstack(coroutine.lua, LUA_MINSTACK);
  const int results = push(coroutine.lua);
  const Outcome outcome = resume(coroutine, results);
  if (outcome == Outcome::kWaits) return;
  {
    auto done = std::move(coroutine.done);
    Call call(*this, coroutine);
    if (done) done(std::move(call), outcome);
  }
  if (is_retired_ && is_idle() && parts_->idle) std::exchange(parts_->idle, nullptr)();
}

bool State::is_idle() const { return parts_->waiting == 0 && parts_->depth == 0; }

Call::Call(State& state, bool may_wait) : state_(&state) {
  // What is pushed from here on is pushed outside of any protected call.
  state.parts().memory.is_enforced = false;
  coroutine_ = &state.take_coroutine();
  coroutine_->may_wait = may_wait;
}

Call::Call(Call&& other) noexcept
    : state_(other.state_), coroutine_(std::exchange(other.coroutine_, nullptr)) {}

Call::~Call() {
  if (coroutine_ == nullptr) return;
  if (!coroutine_->waits) state_->give_back(*coroutine_);
  state_->parts().memory.is_enforced = state_->parts().depth > 0;
}

lua_State* Call::stack() const { return coroutine_->lua; }

Outcome Call::start(int arguments) { return state_->resume(*coroutine_, arguments); }

void Call::then(UniqueFunction<void(Call, Outcome)> done) {
  IMPULSE_CHECK(coroutine_->waits);
  coroutine_->done = std::move(done);
  coroutine_ = nullptr;
  state_->parts().memory.is_enforced = state_->parts().depth > 0;
}

void State::run(int function, UniqueFunction<int(lua_State*)> push_arguments,
                UniqueFunction<void(lua_State*)> done) {
  Call call(*this);
  lua_State* lua = call.stack();
  lua_rawgeti(lua, LUA_REGISTRYINDEX, function);
  const Outcome outcome = call.start(push_arguments ? push_arguments(lua) : 0);
  if (outcome == Outcome::kWaits) {
    call.then([done = std::move(done)](Call ended, Outcome how) mutable {
      if (done) done(how == Outcome::kReturned ? ended.stack() : nullptr);
    });
  } else if (done) {
    done(outcome == Outcome::kReturned ? lua : nullptr);
  }
}

}  // namespace impulse::scriptlet
