// The module msys.db: plain SQL with bound parameters over a datasource; every call waits.
#include <cmath>
#include <utility>

#include "host/host.h"
#include "host/store/datasource.h"
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

using store::SqlValue;
using Parameters = std::vector<std::pair<std::string, SqlValue>>;

SqlValue value_at(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TNUMBER: {
      const double number = lua_tonumber(lua, index);
      if (number == std::floor(number) && std::abs(number) < 9.007e15) {
        return static_cast<std::int64_t>(number);
      }
      return number;
    }
    case LUA_TBOOLEAN:
      return std::int64_t{lua_toboolean(lua, index)};
    case LUA_TSTRING:
      return std::string(text_at(lua, index));
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA:  // json.null
      return nullptr;
    default:
      luaL_error(lua, "a parameter must be a string, number, boolean or json.null, not a %s",
                 luaL_typename(lua, index));
      return nullptr;
  }
}

/// { "a", 2 } fills each ? in order, { name = "a" } each :name.
Parameters check_parameters(lua_State* lua, int index) {
  Parameters parameters;
  if (lua_isnoneornil(lua, index)) return parameters;
  luaL_checktype(lua, index, LUA_TTABLE);
  const int count = static_cast<int>(lua_objlen(lua, index));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(lua, index, i);
    parameters.emplace_back(std::string(), value_at(lua, -1));
    lua_pop(lua, 1);
  }
  for (lua_pushnil(lua); lua_next(lua, index) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) != LUA_TSTRING) continue;
    parameters.emplace_back(std::string(text_at(lua, -2)), value_at(lua, -1));
  }
  return parameters;
}

void push_value(lua_State* lua, const SqlValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    lua_pushnumber(lua, static_cast<double>(*number));
  } else if (const auto* real = std::get_if<double>(&value)) {
    lua_pushnumber(lua, *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    push_text(lua, *text);
  } else {
    lua_pushnil(lua);
  }
}

int push_rows(lua_State* lua, const store::Rows& rows) {
  lua_createtable(lua, static_cast<int>(rows.rows.size()), 0);
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    lua_createtable(lua, 0, static_cast<int>(rows.columns.size()));
    for (std::size_t k = 0; k < rows.columns.size() && k < rows.rows[i].size(); ++k) {
      push_text(lua, rows.columns[k]);
      push_value(lua, rows.rows[i][k]);
      lua_rawset(lua, -3);
    }
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
  return 1;
}

/// run(datasource, sql, params): all rows, or nil and the error.
int run(lua_State* lua) {
  const std::string_view name = check_text(lua, 1);
  const std::string_view statement = check_text(lua, 2);
  State& state = State::of(lua);
  state.check_wait(lua);
  Parameters parameters = check_parameters(lua, 3);
  store::Datasource* source = state.host().datasources.find(name);
  if (source == nullptr) {
    return push_failure(lua, "there is no datasource \"" + std::string(name) + "\"");
  }
  source->sql(*state.loop(), std::string(statement), std::move(parameters),
              [waiter = state.begin_wait(lua)](Result<store::Rows> result) mutable {
                waiter.resume([result = std::move(result)](lua_State* to) {
                  return result ? push_rows(to, *result) : push_failure(to, result.error().what);
                });
              });
  return lua_yield(lua, 0);
}

constexpr std::string_view kDatabase = R"(
local run = ...
local db = {}
msys.db = db

local function checked(rows, err, options)
  if not rows and options and options.raise_error then error(err, 3) end
  return rows, err
end

function db.query(datasource, sql, params, options)
  local rows, err = run(datasource, sql, params)
  rows, err = checked(rows, err, options)
  if not rows then return nil, err end
  local i = 0
  return function()
    i = i + 1
    return rows[i]
  end
end

function db.fetch_row(datasource, sql, params, options)
  local rows, err = run(datasource, sql, params)
  rows, err = checked(rows, err, options)
  if not rows then return nil, err end
  return rows[1]
end

function db.execute(datasource, sql, params, options)
  local rows, err = run(datasource, sql, params)
  rows, err = checked(rows, err, options)
  if not rows then return false, err end
  return true
end
)";

}  // namespace

void open_database(lua_State* lua) {
  luaL_loadbufferx(lua, kDatabase.data(), kDatabase.size(), "=msys.db", "t");
  lua_pushcfunction(lua, &run);
  lua_call(lua, 1, 0);
}

}  // namespace impulse::scriptlet
