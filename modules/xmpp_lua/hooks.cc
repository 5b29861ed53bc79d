// Lua methods in the engine's hook chains: one handler per order, one coroutine per passage.
#include <utility>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::Call;
using scriptlet::Outcome;
using xmpp::Passage;
using xmpp::Verdict;

namespace {

/// Which of the arguments a hook point has, by its row in the hook table.
int push_arguments(lua_State* lua, Bridge& bridge, const xmpp::HookRow& row, Passage& passage,
                   const Lease& lease) {
  int count = 0;
  if (row.arguments.starts_with("sess")) {
    if (passage.session != nullptr) {
      bridge.push_session(lua, *passage.session);
    } else {
      lua_pushnil(lua);
    }
    ++count;
  } else if (row.arguments.starts_with("account")) {
    if (passage.account != nullptr) {
      bridge.push_account(lua, *passage.account);
    } else {
      lua_pushnil(lua);
    }
    ++count;
  }
  if (lease.slot() != nullptr) {
    bridge.push_root(lua, *lease.slot());
    ++count;
  }
  return count;
}

Answer answer_of(lua_State* lua) {
  if (lua_isnoneornil(lua, 1)) return Answer::kContinue;
  if (lua_type(lua, 1) != LUA_TNUMBER) return Answer::kWrong;
  const lua_Number number = lua_tonumber(lua, 1);
  if (number == kCont) return Answer::kContinue;
  return number == kDone ? Answer::kStop : Answer::kWrong;
}

/// A failing handler costs its stanza: the sender is told, nobody else sees it.
Verdict fail(Bridge& bridge, Passage& passage, const xmpp::HookRow& row) {
  const bool is_outgoing = row.point == xmpp::HookPoint::kBeforeStanzaSend;
  if (passage.stanza && !is_outgoing) {
    bridge.home().refuse(*passage.stanza, {xmpp::StanzaCondition::kInternalServerError});
  }
  return Verdict::kDone;
}

}  // namespace

void Bridge::make_groups() {
  for (const xmpp::HookRow& row : xmpp::hook_table()) {
    Group* group = nullptr;
    for (const scriptlet::RegisteredModule& module : state_.modules()) {
      lua_State* lua = state_.lua();
      lua_rawgeti(lua, LUA_REGISTRYINDEX, module.table);
      scriptlet::push_text(lua, row.name);
      lua_rawget(lua, -2);
      if (lua_isfunction(lua, -1)) {
        if (group == nullptr || group->order != module.order) {
          groups_.push_back(std::make_unique<Group>(Group{&row, module.order, {}}));
          group = groups_.back().get();
        }
        group->methods.push_back({luaL_ref(lua, LUA_REGISTRYINDEX), module.table});
        lua_pop(lua, 1);
      } else {
        lua_pop(lua, 2);
      }
    }
  }
}

Verdict Bridge::run_group(const Group& group, Passage& passage) {
  Call call(state_, group.row->may_wait);
  Lease lease(documents_, passage.stanza ? &*passage.stanza : nullptr);
  xmpp::Resume resume;
  return walk(group, 0, call, lease, passage, resume);
}

Verdict Bridge::walk(const Group& group, std::size_t first, Call& call, Lease& lease,
                     Passage& passage, xmpp::Resume& resume) {
  for (std::size_t i = first; i < group.methods.size(); ++i) {
    lua_State* lua = call.stack();
    lua_rawgeti(lua, LUA_REGISTRYINDEX, group.methods[i].function);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, group.methods[i].module);
    const int arguments = 1 + push_arguments(lua, *this, *group.row, passage, lease);
    const Outcome outcome = call.start(arguments);
    if (outcome == Outcome::kWaits) {
      if (!resume) {
        resume = passage.wait();
        xmpp::Passage& kept = resume.passage();
        lease.moved_to(kept.stanza ? &*kept.stanza : nullptr);
      }
      call.then([this, &group, i, lease = std::move(lease), resume = std::move(resume)](
                    Call ended, Outcome how) mutable {
        walk_on(group, i, std::move(ended), how, std::move(lease), std::move(resume));
      });
      return Verdict::kWait;
    }
    const Answer answer = judge(group, call, outcome);
    if (answer == Answer::kWrong) return fail(*this, passage, *group.row);
    if (answer == Answer::kStop) return Verdict::kDone;
    lua_settop(lua, 0);
  }
  return Verdict::kCont;
}

void Bridge::walk_on(const Group& group, std::size_t waited, Call call, Outcome outcome,
                     Lease lease, xmpp::Resume resume) {
  Verdict verdict = Verdict::kDone;
  {
    // Both end before the passage goes on: the next handler may be Lua as well.
    Call ended = std::move(call);
    Lease held = std::move(lease);
    const Answer answer = judge(group, ended, outcome);
    if (answer == Answer::kWrong) {
      verdict = fail(*this, resume.passage(), *group.row);
    } else if (answer == Answer::kContinue) {
      lua_settop(ended.stack(), 0);
      verdict = walk(group, waited + 1, ended, held, resume.passage(), resume);
    }
  }
  if (verdict != Verdict::kWait) resume(verdict);
}

Answer Bridge::judge(const Group& group, Call& call, Outcome outcome) {
  if (outcome == Outcome::kFailed) return Answer::kWrong;
  const Answer answer = answer_of(call.stack());
  if (answer == Answer::kWrong) {
    LOG(state_.log(), kError, "scriptlet_error", {"hook", group.row->name},
        {"error", "a hook method must return xmpp.CONT, xmpp.DONE or nothing"});
  }
  return answer;
}

}  // namespace impulse::xmpp_lua
