// Sessions and accounts as Lua objects: one userdata each, kept as long as they live.
#include <algorithm>
#include <utility>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::check_text;

namespace {

constexpr int kData = 1;     // in the environment of the userdata: obj.data
constexpr int kContext = 2;  // ... and the variables of context_get, context_set

/// What hangs on a Session or Account: its userdata in each state (more than one only while an
/// older configuration still has work). Dying, it tells the userdata that the object is gone.
template <class T>
class Attachment {
 public:
  Attachment() = default;
  Attachment(const Attachment&) = delete;
  Attachment& operator=(const Attachment&) = delete;
  ~Attachment() {
    for (Entry& entry : entries_) {
      const auto bridge = entry.bridge.lock();
      if (bridge == nullptr || *bridge == nullptr) continue;
      entry.handle->object = nullptr;
      lua_State* lua = (*bridge)->state().lua();
      luaL_unref(lua, LUA_REGISTRYINDEX, entry.reference);
      if (entry.set == nullptr) continue;
      entry.set->set = nullptr;
      luaL_unref(lua, LUA_REGISTRYINDEX, entry.set_reference);
    }
  }

  struct Entry {
    std::weak_ptr<Bridge*> bridge;
    ObjectHandle<T>* handle = nullptr;
    int reference = LUA_NOREF;
    JidSetHandle* set = nullptr;  ///< account:subscribers()
    int set_reference = LUA_NOREF;
  };

  /// The entry of this bridge; made, with an empty handle, when there is none.
  Entry& of(Bridge& bridge) {
    const auto& anchor = bridge.anchor();
    for (Entry& entry : entries_) {
      if (!entry.bridge.owner_before(anchor) && !anchor.owner_before(entry.bridge)) return entry;
    }
    std::erase_if(entries_, [](const Entry& e) { return e.bridge.expired(); });
    entries_.push_back({});
    entries_.back().bridge = anchor;
    return entries_.back();
  }

 private:
  std::vector<Entry> entries_;
};

template <class T>
typename Attachment<T>::Entry& entry_of(lua_State* lua, Bridge& bridge, T& object, int metatable) {
  if (object.attachment == nullptr) object.attachment = std::make_shared<Attachment<T>>();
  auto& entry = static_cast<Attachment<T>*>(object.attachment.get())->of(bridge);
  if (entry.handle == nullptr) {
    auto* handle = static_cast<ObjectHandle<T>*>(lua_newuserdata(lua, sizeof(ObjectHandle<T>)));
    *handle = ObjectHandle<T>{&object, false};
    lua_rawgeti(lua, LUA_REGISTRYINDEX, metatable);
    lua_setmetatable(lua, -2);
    entry.reference = luaL_ref(lua, LUA_REGISTRYINDEX);
    entry.handle = handle;
  }
  return entry;
}

template <class T>
T& check_object(lua_State* lua, int index, const void* metatable, const char* what) {
  Bridge& bridge = Bridge::of(lua);
  if (!bridge.has_metatable(lua, index, metatable)) luaL_typerror(lua, index, what);
  auto* handle = static_cast<ObjectHandle<T>*>(lua_touserdata(lua, index));
  if (handle->object == nullptr) luaL_error(lua, "this %s is gone", what);
  return *handle->object;
}

/// Pushes the table `which` of the object at 1. Session and account handles have one shape.
void push_table(lua_State* lua, int which) {
  auto* handle = static_cast<ObjectHandle<void>*>(lua_touserdata(lua, 1));
  if (!handle->has_tables) {
    lua_createtable(lua, 2, 0);
    for (const int table : {kData, kContext}) {
      lua_newtable(lua);
      lua_rawseti(lua, -2, table);
    }
    lua_setfenv(lua, 1);
    handle->has_tables = true;
  }
  lua_getfenv(lua, 1);
  lua_rawgeti(lua, -1, which);
}
static_assert(sizeof(ObjectHandle<void>) == sizeof(SessionHandle) &&
              sizeof(ObjectHandle<void>) == sizeof(AccountHandle));

/// obj.method and obj.data; upvalue 2 holds the methods.
int index(lua_State* lua) {
  lua_pushvalue(lua, 2);
  lua_rawget(lua, lua_upvalueindex(2));
  if (!lua_isnil(lua, -1)) return 1;
  if (lua_type(lua, 2) == LUA_TSTRING && scriptlet::text_at(lua, 2) == "data") {
    push_table(lua, kData);
  }
  return 1;
}

int new_index(lua_State* lua) {
  return luaL_error(lua, "only fields of its data can be set, as in sess.data.%s = value",
                    lua_tostring(lua, 2));
}

bool is_object(lua_State* lua) {
  const Bridge& bridge = Bridge::of(lua);
  return bridge.has_metatable(lua, 1, bridge.metatables.session) ||
         bridge.has_metatable(lua, 1, bridge.metatables.account);
}

int context_get(lua_State* lua) {
  if (!is_object(lua)) luaL_typerror(lua, 1, "session");
  check_text(lua, 2);
  push_table(lua, kContext);
  lua_pushvalue(lua, 2);
  lua_rawget(lua, -2);
  return 1;
}

int context_set(lua_State* lua) {
  if (!is_object(lua)) luaL_typerror(lua, 1, "session");
  check_text(lua, 2);
  lua_settop(lua, 3);
  push_table(lua, kContext);
  lua_pushvalue(lua, 2);
  lua_pushvalue(lua, 3);
  lua_rawset(lua, -3);
  return 0;
}

template <class T>
int to_string(lua_State* lua) {
  const auto* handle = static_cast<ObjectHandle<T>*>(lua_touserdata(lua, 1));
  if (!is_object(lua)) luaL_typerror(lua, 1, "session");
  scriptlet::push_text(lua, handle->object ? handle->object->jid().text() : "(gone)");
  return 1;
}

const void* make_object(lua_State* lua, Bridge& bridge, const luaL_Reg* methods,
                        lua_CFunction as_text, int* reference) {
  static constexpr luaL_Reg kContextMethods[] = {
      {"context_get", &context_get}, {"context_set", &context_set}, {nullptr, nullptr}};
  const void* address = make_metatable(lua, bridge, methods, reference);
  lua_pushlightuserdata(lua, &bridge);
  lua_getfield(lua, -2, "__index");
  set_functions(lua, bridge, kContextMethods);
  lua_pushcclosure(lua, &index, 2);
  lua_setfield(lua, -2, "__index");
  const luaL_Reg meta[] = {{"__newindex", &new_index}, {"__tostring", as_text}, {nullptr, nullptr}};
  set_functions(lua, bridge, meta);
  lua_pop(lua, 1);
  return address;
}

}  // namespace

void Bridge::push_session(lua_State* lua, xmpp::Session& session) {
  const auto& entry = entry_of(lua, *this, session, metatables.session_ref);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, entry.reference);
}

void Bridge::push_account(lua_State* lua, xmpp::Account& account) {
  const auto& entry = entry_of(lua, *this, account, metatables.account_ref);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, entry.reference);
}

void Bridge::push_subscribers(lua_State* lua, xmpp::Account& account) {
  auto& entry = entry_of(lua, *this, account, metatables.account_ref);
  if (entry.set == nullptr) {
    entry.set = push_jid_set(lua, &account.subscribers());
    entry.set_reference = luaL_ref(lua, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(lua, LUA_REGISTRYINDEX, entry.set_reference);
}

xmpp::Session& Bridge::check_session(lua_State* lua, int at) {
  return check_object<xmpp::Session>(lua, at, metatables.session, "session");
}

xmpp::Account& Bridge::check_account(lua_State* lua, int at) {
  return check_object<xmpp::Account>(lua, at, metatables.account, "account");
}

void open_objects(lua_State* lua, Bridge& bridge) {
  auto& m = bridge.metatables;
  m.session = make_object(lua, bridge, kSessionMethods, &to_string<xmpp::Session>, &m.session_ref);
  m.account = make_object(lua, bridge, kAccountMethods, &to_string<xmpp::Account>, &m.account_ref);
}

}  // namespace impulse::xmpp_lua
