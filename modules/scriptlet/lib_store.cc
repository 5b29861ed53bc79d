// The module msys.store: documents, maps and archives of a datasource; every call waits.
#include <chrono>
#include <optional>
#include <utility>

#include "host/host.h"
#include "host/store/datasource.h"
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

using store::ArchiveEntry;
using store::ArchiveQuery;
using store::Datasource;

/// The datasource behind the functions of a table: upvalue 1 is its name, nil = the default one.
Datasource& check_datasource(lua_State* lua) {
  State& state = State::of(lua);
  state.check_wait(lua);
  Datasource* found = nullptr;
  if (lua_isnil(lua, lua_upvalueindex(1))) {
    const auto& find = state.parts().settings.default_datasource;
    if (find != nullptr && *find) found = (*find)();
    if (found == nullptr) luaL_error(lua, "msys.store: no datasource is configured");
  } else {
    found = state.host().datasources.find(text_at(lua, lua_upvalueindex(1)));
    if (found == nullptr) {
      luaL_error(lua, "msys.store: there is no datasource \"%s\"",
                 lua_tostring(lua, lua_upvalueindex(1)));
    }
  }
  return *found;
}

std::string text_of(lua_State* lua, int index) { return std::string(check_text(lua, index)); }

double to_seconds(std::int64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }
std::int64_t to_microseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e6); }

/// How each kind of answer is pushed.
int push(lua_State* lua, const std::optional<std::string>& text) {
  if (text) {
    push_text(lua, *text);
  } else {
    lua_pushnil(lua);
  }
  return 1;
}
int push(lua_State* lua, std::int64_t number) {
  lua_pushnumber(lua, static_cast<double>(number));
  return 1;
}
int push(lua_State* lua, bool value) {
  lua_pushboolean(lua, value ? 1 : 0);
  return 1;
}
int push(lua_State* lua, const std::vector<std::string>& texts) {
  lua_createtable(lua, static_cast<int>(texts.size()), 0);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    push_text(lua, texts[i]);
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
  return 1;
}
int push(lua_State* lua, const std::vector<std::pair<std::string, std::string>>& rows) {
  lua_createtable(lua, 0, static_cast<int>(rows.size()));
  for (const auto& [key, value] : rows) {
    push_text(lua, key);
    push_text(lua, value);
    lua_rawset(lua, -3);
  }
  return 1;
}
void set_text(lua_State* lua, const char* field, std::string_view text) {
  push_text(lua, text);
  lua_setfield(lua, -2, field);
}
int push(lua_State* lua, const std::vector<ArchiveEntry>& entries) {
  lua_createtable(lua, static_cast<int>(entries.size()), 0);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ArchiveEntry& entry = entries[i];
    lua_createtable(lua, 0, 5);
    push(lua, entry.id);
    lua_setfield(lua, -2, "id");
    lua_pushnumber(lua, to_seconds(entry.time_us));
    lua_setfield(lua, -2, "time");
    set_text(lua, "peer", entry.peer);
    set_text(lua, "tag", entry.tag);
    set_text(lua, "body", entry.body);
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
  return 1;
}

/// A completion that resumes the coroutine with the answer, or nil and the error's text.
template <class T>
store::Done<T> answer(lua_State* lua) {
  return [waiter = State::of(lua).begin_wait(lua)](Result<T> result) mutable {
    waiter.resume([result = std::move(result)](lua_State* to) {
      if (!result) return push_failure(to, result.error().what);
      if constexpr (std::is_void_v<T>) {
        return push(to, true);
      } else {
        return push(to, *result);
      }
    });
  };
}

event::Loop& loop_of(lua_State* lua) { return *State::of(lua).loop(); }

int keyval_get(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  source.keyval_get(loop_of(lua), std::move(store), std::move(owner),
                    answer<std::optional<std::string>>(lua));
  return lua_yield(lua, 0);
}

int keyval_set(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  std::optional<std::string> document;
  if (!lua_isnoneornil(lua, 3)) document = text_of(lua, 3);
  source.keyval_set(loop_of(lua), std::move(store), std::move(owner), std::move(document),
                    answer<void>(lua));
  return lua_yield(lua, 0);
}

int map_get(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2), key = text_of(lua, 3);
  source.map_get(loop_of(lua), std::move(store), std::move(owner), std::move(key),
                 answer<std::optional<std::string>>(lua));
  return lua_yield(lua, 0);
}

int map_all(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  source.map_all(loop_of(lua), std::move(store), std::move(owner),
                 answer<std::vector<std::pair<std::string, std::string>>>(lua));
  return lua_yield(lua, 0);
}

int map_change(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  luaL_checktype(lua, 3, LUA_TTABLE);
  std::vector<store::MapChange> changes;
  for (lua_pushnil(lua); lua_next(lua, 3) != 0; lua_pop(lua, 1)) {
    const bool is_removal = lua_isboolean(lua, -1) && lua_toboolean(lua, -1) == 0;
    if (lua_type(lua, -2) != LUA_TSTRING || (!is_removal && lua_type(lua, -1) != LUA_TSTRING)) {
      return luaL_error(lua, "map_change: changes must be { key = text, or false to remove it }");
    }
    std::optional<std::string> value;
    if (!is_removal) value = text_of(lua, -1);
    changes.emplace_back(text_of(lua, -2), std::move(value));
  }
  source.map_change(loop_of(lua), std::move(store), std::move(owner), std::move(changes),
                    answer<void>(lua));
  return lua_yield(lua, 0);
}

int map_insert(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2), key = text_of(lua, 3),
              value = text_of(lua, 4);
  source.map_insert(loop_of(lua), std::move(store), std::move(owner), std::move(key),
                    std::move(value), answer<bool>(lua));
  return lua_yield(lua, 0);
}

int map_owners(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  source.map_owners(loop_of(lua), text_of(lua, 1), answer<std::vector<std::string>>(lua));
  return lua_yield(lua, 0);
}

/// A field of the table at `index` that must be a string when it is there.
std::string text_field(lua_State* lua, int index, const char* field) {
  lua_getfield(lua, index, field);
  if (!lua_isnil(lua, -1) && lua_isstring(lua, -1) == 0) {
    luaL_error(lua, "field %s must be a string", field);
  }
  std::string text(text_at(lua, -1));
  lua_pop(lua, 1);
  return text;
}

std::optional<double> number_field(lua_State* lua, int index, const char* field) {
  lua_getfield(lua, index, field);
  std::optional<double> number;
  if (lua_isnumber(lua, -1) != 0) {
    number = lua_tonumber(lua, -1);
  } else if (!lua_isnil(lua, -1)) {
    luaL_error(lua, "field %s must be a number", field);
  }
  lua_pop(lua, 1);
  return number;
}

std::optional<std::int64_t> id_field(lua_State* lua, int index, const char* field) {
  const auto number = number_field(lua, index, field);
  if (!number) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

std::optional<std::int64_t> time_field(lua_State* lua, int index, const char* field) {
  const auto number = number_field(lua, index, field);
  if (!number) return std::nullopt;
  return to_microseconds(*number);
}

std::int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int archive_append(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  luaL_checktype(lua, 3, LUA_TTABLE);
  ArchiveEntry entry;
  entry.peer = text_field(lua, 3, "peer");
  entry.tag = text_field(lua, 3, "tag");
  entry.body = text_field(lua, 3, "body");
  entry.time_us = time_field(lua, 3, "time").value_or(now_us());
  source.archive_append(loop_of(lua), std::move(store), std::move(owner), std::move(entry),
                        answer<std::int64_t>(lua));
  return lua_yield(lua, 0);
}

int archive_find(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  ArchiveQuery query;
  if (!lua_isnoneornil(lua, 3)) {
    luaL_checktype(lua, 3, LUA_TTABLE);
    query.after_id = id_field(lua, 3, "after");
    query.before_id = id_field(lua, 3, "before");
    query.start_us = time_field(lua, 3, "since");
    query.end_us = time_field(lua, 3, "till");
    query.peer = text_field(lua, 3, "peer");
    query.limit = static_cast<std::uint32_t>(
        std::clamp(number_field(lua, 3, "limit").value_or(0.0), 0.0, 4e9));
    lua_getfield(lua, 3, "newest_first");
    query.newest_first = lua_toboolean(lua, -1) != 0;
  }
  source.archive_find(loop_of(lua), std::move(store), std::move(owner), std::move(query),
                      answer<std::vector<ArchiveEntry>>(lua));
  return lua_yield(lua, 0);
}

int archive_count(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  source.archive_count(loop_of(lua), std::move(store), std::move(owner), answer<std::int64_t>(lua));
  return lua_yield(lua, 0);
}

int archive_delete(lua_State* lua) {
  Datasource& source = check_datasource(lua);
  std::string store = text_of(lua, 1), owner = text_of(lua, 2);
  std::optional<std::int64_t> up_to;
  if (!lua_isnoneornil(lua, 3)) up_to = static_cast<std::int64_t>(luaL_checknumber(lua, 3));
  source.archive_delete(loop_of(lua), std::move(store), std::move(owner), up_to,
                        answer<std::int64_t>(lua));
  return lua_yield(lua, 0);
}

int open_named(lua_State* lua);

constexpr luaL_Reg kFunctions[] = {{"keyval_get", &keyval_get},
                                   {"keyval_set", &keyval_set},
                                   {"map_get", &map_get},
                                   {"map_all", &map_all},
                                   {"map_change", &map_change},
                                   {"map_insert", &map_insert},
                                   {"map_owners", &map_owners},
                                   {"archive_append", &archive_append},
                                   {"archive_find", &archive_find},
                                   {"archive_count", &archive_count},
                                   {"archive_delete", &archive_delete},
                                   {"open", &open_named},
                                   {nullptr, nullptr}};

/// store.open(name): the same functions over another datasource.
int open_named(lua_State* lua) {
  check_text(lua, 1);
  lua_newtable(lua);
  lua_pushvalue(lua, 1);
  luaL_setfuncs(lua, kFunctions, 1);
  return 1;
}

}  // namespace

void open_store(lua_State* lua) {
  lua_getglobal(lua, "msys");
  lua_newtable(lua);
  lua_pushnil(lua);
  luaL_setfuncs(lua, kFunctions, 1);
  lua_setfield(lua, -2, "store");
  lua_pop(lua, 1);
}

}  // namespace impulse::scriptlet
