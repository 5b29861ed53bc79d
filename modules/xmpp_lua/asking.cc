// The functions of xmpp.* that ask another home, or a password store, and wait for the answer.
#include <optional>
#include <utility>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::push_failure;
using scriptlet::push_text;
using scriptlet::Waiter;

namespace {

/// What a home tells of an address. A value: it travels between loops.
struct Availability {
  bool is_connected = false;
  bool is_available = false;
  std::string show, status;
};

Availability look_up(xmpp::EngineLoop& home, const xmpp::Jid& jid) {
  Availability answer;
  const xmpp::Account* account = home.find_account(jid.bare_text());
  if (account == nullptr) return answer;
  const xmpp::Session* best = nullptr;
  for (const auto& session : account->sessions()) {
    if (!session->is_open()) continue;
    if (jid.is_full() && session->jid().resource() != jid.resource()) continue;
    answer.is_connected = true;
    if (!session->is_available()) continue;
    if (best == nullptr || session->priority() > best->priority() ||
        (session->priority() == best->priority() &&
         session->available_since() > best->available_since())) {
      best = session.get();
    }
  }
  if (best == nullptr) return answer;
  answer.is_available = true;
  const xmpp::Element& presence = best->presence()->element();
  if (const auto* show = presence.child("show", xmpp::ns::kClient)) answer.show = show->text();
  if (const auto* status = presence.child("status", xmpp::ns::kClient)) {
    answer.status = status->text();
  }
  return answer;
}

int push_connected(lua_State* lua, const Availability& found) {
  lua_pushboolean(lua, found.is_connected ? 1 : 0);
  return 1;
}

int push_online(lua_State* lua, const Availability& found) {
  lua_createtable(lua, 0, 3);
  lua_pushboolean(lua, found.is_available ? 1 : 0);
  lua_setfield(lua, -2, "availability");
  push_text(lua, found.show);
  lua_setfield(lua, -2, "show");
  push_text(lua, found.status);
  lua_setfield(lua, -2, "status");
  return 1;
}

/// Answers at once where the address lives here, else asks its home.
int ask(lua_State* lua, int (*push)(lua_State*, const Availability&)) {
  Bridge& bridge = Bridge::of(lua);
  xmpp::EngineLoop& here = bridge.check_home(lua);
  auto jid = xmpp::Jid::parse(bridge.check_jid_text(lua, 1));
  if (!jid) return push_failure(lua, jid.error().what);
  xmpp::EngineLoop& home = bridge.engine().home(*jid);
  if (&home == &here) return push(lua, look_up(home, *jid));
  bridge.state().check_wait(lua);
  home.loop().post([&home, &here, push, jid = *std::move(jid),
                    waiter = bridge.state().begin_wait(lua)]() mutable {
    here.loop().post([push, found = look_up(home, jid), waiter = std::move(waiter)]() mutable {
      waiter.resume([push, found = std::move(found)](lua_State* to) { return push(to, found); });
    });
  });
  return lua_yield(lua, 0);
}

int connected(lua_State* lua) { return ask(lua, &push_connected); }
int online(lua_State* lua) { return ask(lua, &push_online); }

/// xmpp.account_exists(bare): true, false, or nil and why it cannot be known
int account_exists(lua_State* lua) {
  Bridge& bridge = Bridge::of(lua);
  auto jid = xmpp::Jid::parse(bridge.check_jid_text(lua, 1));
  if (!jid) return push_failure(lua, jid.error().what);
  bridge.state().check_wait(lua);
  bridge.engine().account_exists(
      *bridge.state().loop(), jid->bare(),
      [waiter = bridge.state().begin_wait(lua)](Result<bool> result) mutable {
        waiter.resume([result = std::move(result)](lua_State* to) {
          if (!result) return push_failure(to, result.error().what);
          lua_pushboolean(to, *result ? 1 : 0);
          return 1;
        });
      });
  return lua_yield(lua, 0);
}

}  // namespace

const luaL_Reg kAskingFunctions[] = {{"connected", &connected},
                                     {"online", &online},
                                     {"account_exists", &account_exists},
                                     {nullptr, nullptr}};

}  // namespace impulse::xmpp_lua
