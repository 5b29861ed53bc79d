// The bridge of one Lua state: what the state knows of the engine, and the objects it hands to Lua.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/scriptlet/api.h"
#include "modules/xmpp/api.h"
#include "modules/xmpp_lua/document_slots.h"

namespace impulse::xmpp_lua {

class Bridge;

/// What Lua answers: xmpp.CONT and xmpp.DONE.
inline constexpr int kCont = 0;
inline constexpr int kDone = 1;

/// Userdata of a session or an account. `object` is null once it is gone.
template <class T>
struct ObjectHandle {
  T* object;
  bool has_tables;  ///< its environment holds data and context
};
using SessionHandle = ObjectHandle<xmpp::Session>;
using AccountHandle = ObjectHandle<xmpp::Account>;

/// Userdata of a set: its own, or a view of an account's subscribers.
struct JidSetHandle {
  xmpp::JidSet* set;
  bool is_owned;
};

/// One Lua method of a hook point.
struct Method {
  int function;  ///< registry references
  int module;
};
/// The methods of equal order at one hook point; they share a coroutine and a stanza handle.
struct Group {
  const xmpp::HookRow* row;
  int order;
  std::vector<Method> methods;
};

/// What a hook method answered.
enum class Answer { kContinue, kStop, kWrong };

/// A registered iq handler.
struct IqMethod {
  xmpp::IqTarget target;
  std::string type, ns, name;
  int function;
};

/// Everything of one state. Its address is upvalue 1 of each of our Lua functions. Home.
class Bridge final : public scriptlet::Extension {
 public:
  Bridge(scriptlet::State& state, xmpp::Engine& engine);
  ~Bridge() override;

  static Bridge& of(lua_State* lua) {
    return *static_cast<Bridge*>(lua_touserdata(lua, lua_upvalueindex(1)));
  }

  Result<void> loaded() override;
  void attached() override;
  void detached() override;
  /// At the end of the process, before the engine goes: lets go of all that belongs to it.
  void leave_engine() {
    registrations_.clear();
    state_.abandon();
  }

  scriptlet::State& state() { return state_; }
  xmpp::Engine& engine() { return engine_; }
  DocumentSlots& documents() { return documents_; }
  /// The engine's loop; raises while scripts are loaded.
  xmpp::EngineLoop& check_home(lua_State* lua);
  xmpp::EngineLoop& home() { return *home_; }
  const std::shared_ptr<Bridge*>& anchor() const { return anchor_; }

  // hooks.cc
  xmpp::Verdict run_group(const Group& group, xmpp::Passage& passage);
  // iq.cc
  xmpp::Verdict run_iq(const IqMethod& method, xmpp::Passage& passage);

  // node.cc
  void push_node(lua_State* lua, DocumentSlot& slot, xmpp::Node& node);
  void push_root(lua_State* lua, DocumentSlot& slot) { push_node(lua, slot, *slot.root); }
  /// A document of Lua's own; pushes its root.
  void push_document(lua_State* lua, xmpp::Document document);
  NodeHandle* test_node(lua_State* lua, int index);
  NodeHandle& check_node(lua_State* lua, int index);
  xmpp::Element& check_element(lua_State* lua, int index);

  // jid.cc
  void push_jid(lua_State* lua, const xmpp::Jid& jid);
  /// The text of a jid object or a string; raises for anything else.
  std::string_view check_jid_text(lua_State* lua, int index);
  bool is_jid(lua_State* lua, int index);

  // objects.cc
  void push_session(lua_State* lua, xmpp::Session& session);
  void push_account(lua_State* lua, xmpp::Account& account);
  xmpp::Session& check_session(lua_State* lua, int index);
  xmpp::Account& check_account(lua_State* lua, int index);

  // jid_set.cc
  JidSetHandle* push_jid_set(lua_State* lua, xmpp::JidSet* view);
  xmpp::JidSet& check_jid_set(lua_State* lua, int index);
  void push_subscribers(lua_State* lua, xmpp::Account& account);

  bool has_metatable(lua_State* lua, int index, const void* metatable) const;

  // Addresses of the metatables, which the registry keeps; filled in by open_*().
  struct Metatables {
    const void *lent_node = nullptr, *own_node = nullptr, *lent_document = nullptr,
               *own_document = nullptr, *jid = nullptr, *session = nullptr, *account = nullptr,
               *jid_set = nullptr;
    int lent_node_ref = LUA_NOREF, own_node_ref = LUA_NOREF, lent_document_ref = LUA_NOREF,
        own_document_ref = LUA_NOREF, jid_ref = LUA_NOREF, session_ref = LUA_NOREF,
        account_ref = LUA_NOREF, jid_set_ref = LUA_NOREF;
  } metatables;

  std::vector<std::unique_ptr<IqMethod>> iq_methods;
  std::vector<std::pair<std::string, std::string>> features;
  int hook_modules = LUA_NOREF;  ///< the list that xmpp.run_hook goes through

 private:
  /// Asks the methods from `first` on. When one waits, all but the group moves into its
  /// continuation, walk_on(). `resume` is empty while the passage is still on the engine's stack.
  xmpp::Verdict walk(const Group& group, std::size_t first, scriptlet::Call& call, Lease& lease,
                     xmpp::Passage& passage, xmpp::Resume& resume);
  void walk_on(const Group& group, std::size_t waited, scriptlet::Call call,
               scriptlet::Outcome outcome, Lease lease, xmpp::Resume resume);
  Answer judge(const Group& group, scriptlet::Call& call, scriptlet::Outcome outcome);
  xmpp::Verdict answer_iq(const IqMethod& method, scriptlet::Call& call, scriptlet::Outcome outcome,
                          const xmpp::Stanza& request);
  void make_groups();

  scriptlet::State& state_;
  xmpp::Engine& engine_;
  xmpp::EngineLoop* home_ = nullptr;
  DocumentSlots documents_;
  std::shared_ptr<Bridge*> anchor_;  // owners: the bridge; attachments look through weak ones
  std::vector<std::unique_ptr<Group>> groups_;
  Registrations registrations_;
};

/// The stanza that a node is: the handle's own, or a copy of an element further down.
struct StanzaOf {
  const xmpp::Stanza* stanza = nullptr;  ///< nullptr: see why
  std::optional<xmpp::Stanza> copy;
  std::string why;
};
StanzaOf stanza_of(NodeHandle& handle);

/// Pushes a metatable that knows the bridge, with `methods` as its __index; returns its address
/// and stores its reference.
const void* make_metatable(lua_State* lua, Bridge& bridge, const luaL_Reg* methods, int* reference);
/// Sets the functions into the table on top, with the bridge as their upvalue.
void set_functions(lua_State* lua, Bridge& bridge, const luaL_Reg* functions);

// Each in its own file: metatables and functions.
void open_nodes(lua_State* lua, Bridge& bridge);     // node.cc
void open_xml(lua_State* lua, Bridge& bridge);       // xml.cc
void open_jids(lua_State* lua, Bridge& bridge);      // jid.cc
void open_jid_sets(lua_State* lua, Bridge& bridge);  // jid_set.cc
void open_objects(lua_State* lua, Bridge& bridge);   // session.cc, account.cc, objects.cc
void open_xmpp(lua_State* lua, Bridge& bridge);      // functions.cc
extern const luaL_Reg kSessionMethods[];             // session.cc
extern const luaL_Reg kAccountMethods[];             // account.cc
extern const luaL_Reg kAskingFunctions[];            // asking.cc: those that may wait
extern const luaL_Reg kRegisteringFunctions[];       // registering.cc

}  // namespace impulse::xmpp_lua
