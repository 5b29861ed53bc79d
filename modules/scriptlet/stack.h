// Small helpers around a Lua stack: views in and out, and a guard that asserts its height.
#pragma once

#include <lua.hpp>
#include <string>
#include <string_view>

#include "host/base/check.h"

namespace impulse::scriptlet {

/// Asserts at the end of a scope that the stack is `change` higher than at its beginning. Not for
/// functions that may raise.
class StackGuard {
 public:
  explicit StackGuard(lua_State* lua, int change = 0)
      : lua_(lua), expected_(lua_gettop(lua) + change) {}
  StackGuard(const StackGuard&) = delete;
  StackGuard& operator=(const StackGuard&) = delete;
  ~StackGuard() { IMPULSE_CHECK(lua_gettop(lua_) == expected_); }

 private:
  lua_State* lua_;
  int expected_;
};

inline void push_text(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

/// The string at `index`; anything else is an argument error. The view lasts as long as the value
/// stays on the stack.
inline std::string_view check_text(lua_State* lua, int index) {
  std::size_t length = 0;
  const char* text = luaL_checklstring(lua, index, &length);
  return {text, length};
}

/// The string at `index`, or an empty view for nil and nothing.
inline std::string_view optional_text(lua_State* lua, int index) {
  return lua_isnoneornil(lua, index) ? std::string_view() : check_text(lua, index);
}

/// The string at `index` or "" when it is none (numbers count as strings, as everywhere in Lua).
inline std::string_view text_at(lua_State* lua, int index) {
  std::size_t length = 0;
  const char* text = lua_tolstring(lua, index, &length);
  return text == nullptr ? std::string_view() : std::string_view(text, length);
}

/// nil, text: how a Lua function says that what was asked for failed.
inline int push_failure(lua_State* lua, std::string_view text) {
  lua_pushnil(lua);
  push_text(lua, text);
  return 2;
}

}  // namespace impulse::scriptlet
