// Limits of a state: processor time and instructions of a run, memory of all.
#include <ctime>

#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

constexpr std::uint64_t kInstructionsPerSecond = 10'000'000;
constexpr std::size_t kOutsideStep = 256 * 1024;

std::int64_t processor_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Called by the interpreter every Budget::kSlice instructions.
void on_slice(lua_State* lua, lua_Debug*) {
  Budget& budget = State::of(lua).parts().budget;
  if (!budget.is_spent) {
    if (budget.slices++ == 0) budget.began_ns = processor_ns();
    budget.is_spent =
        budget.slices > budget.most_slices || processor_ns() - budget.began_ns > budget.most_ns;
    if (!budget.is_spent) return;
    // From here each instruction raises, so that no pcall in the script keeps it alive.
    lua_sethook(lua, &on_slice, LUA_MASKCOUNT, 1);
  }
  luaL_error(lua, "script ran too long (more than %f ms of processor time or %f instructions)",
             static_cast<double>(budget.most_ns) / 1e6,
             static_cast<double>(budget.most_slices) * Budget::kSlice);
}

void* count_allocation(void* argument, void* block, std::size_t old_size, std::size_t new_size) {
  Memory& memory = *static_cast<Memory*>(argument);
  if (new_size > old_size && memory.limit != 0 && memory.is_enforced &&
      memory.used + (new_size - old_size) > memory.limit) {
    memory.was_exceeded = true;
    return nullptr;
  }
  void* result = memory.allocate(memory.argument, block, old_size, new_size);
  if (result != nullptr || new_size == 0) memory.used += new_size - old_size;
  return result;
}

}  // namespace

void Budget::install(lua_State* lua, std::uint32_t budget_ms) {
  most_ns = std::int64_t{budget_ms} * 1'000'000;
  most_slices = std::max<std::uint64_t>(1, kInstructionsPerSecond * budget_ms / 1000 / kSlice);
  lua_sethook(lua, &on_slice, LUA_MASKCOUNT, kSlice);
}

Budget Budget::enter() {
  const Budget outer = *this;
  slices = 0;
  is_spent = false;
  return outer;
}

void Budget::leave(lua_State* lua, const Budget& outer) {
  if (is_spent && !outer.is_spent) lua_sethook(lua, &on_slice, LUA_MASKCOUNT, kSlice);
  *this = outer;
}

void Memory::install(State& owner, lua_State* lua, std::size_t limit_bytes) {
  state = &owner;
  limit = limit_bytes;
  used = static_cast<std::size_t>(lua_gc(lua, LUA_GCCOUNT, 0)) * 1024;
  allocate = lua_getallocf(lua, &argument);
  lua_setallocf(lua, &count_allocation, this);
}

void Memory::uninstall(lua_State* lua) {
  // Only under its own name does LuaJIT give the allocator's pages back.
  lua_setallocf(lua, allocate, argument);
}

void Memory::settle(lua_State* lua) {
  if (limit == 0) return;
  if (was_exceeded || used > limit / 4 * 3) {
    was_exceeded = false;
    lua_gc(lua, LUA_GCCOLLECT, 0);
  }
}

void State::count_outside_memory(lua_State* lua, std::size_t bytes) {
  Memory& memory = parts_->memory;
  memory.outside += bytes;
  if (memory.outside < kOutsideStep) return;
  memory.outside = 0;
  lua_gc(lua, LUA_GCSTEP, static_cast<int>(kOutsideStep / 1024));
}

}  // namespace impulse::scriptlet
