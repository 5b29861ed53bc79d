// Iq requests answered by Lua functions.
#include <utility>

#include "modules/xmpp_lua/bridge.h"

namespace impulse::xmpp_lua {

using scriptlet::Call;
using scriptlet::Outcome;
using scriptlet::text_at;
using xmpp::StanzaCondition;
using xmpp::Verdict;

namespace {

void push_request(lua_State* lua, Bridge& bridge, const IqMethod& method, xmpp::Passage& passage,
                  DocumentSlot& slot) {
  const xmpp::Stanza& stanza = *passage.stanza;
  lua_createtable(lua, 0, 5);
  bridge.push_root(lua, slot);
  lua_setfield(lua, -2, "stanza");
  if (xmpp::Element* payload = passage.stanza->payload(); payload != nullptr) {
    bridge.push_node(lua, slot, *payload);
    lua_setfield(lua, -2, "payload");
  }
  if (stanza.from()) {
    bridge.push_jid(lua, *stanza.from());
    lua_setfield(lua, -2, "from");
  }
  if (method.target == xmpp::IqTarget::kAccount && passage.account != nullptr) {
    bridge.push_account(lua, *passage.account);
    lua_setfield(lua, -2, "account");
  }
  if (passage.session != nullptr) {
    bridge.push_session(lua, *passage.session);
    lua_setfield(lua, -2, "session");
  }
}

}  // namespace

Verdict Bridge::run_iq(const IqMethod& method, xmpp::Passage& passage) {
  Call call(state_);
  Lease lease(documents_, &*passage.stanza);
  lua_State* lua = call.stack();
  lua_rawgeti(lua, LUA_REGISTRYINDEX, method.function);
  push_request(lua, *this, method, passage, *lease.slot());
  const Outcome outcome = call.start(1);
  if (outcome != Outcome::kWaits) return answer_iq(method, call, outcome, *passage.stanza);

  xmpp::Resume resume = passage.wait();
  lease.moved_to(&*resume.passage().stanza);
  call.then([this, &method, lease = std::move(lease), resume = std::move(resume)](
                Call ended, Outcome how) mutable {
    xmpp::Resume to_resume = std::move(resume);
    Verdict verdict = Verdict::kDone;
    {
      Lease held = std::move(lease);
      Call over = std::move(ended);
      verdict = answer_iq(method, over, how, *to_resume.passage().stanza);
    }
    to_resume(verdict);
  });
  return Verdict::kWait;
}

Verdict Bridge::answer_iq(const IqMethod& method, Call& call, Outcome outcome,
                          const xmpp::Stanza& request) {
  lua_State* lua = call.stack();
  if (outcome == Outcome::kFailed) {
    home_->refuse(request, {StanzaCondition::kInternalServerError});
    return Verdict::kDone;
  }
  if (lua_type(lua, 1) == LUA_TNUMBER && lua_tonumber(lua, 1) == kCont) return Verdict::kCont;
  if (lua_type(lua, 1) == LUA_TNUMBER && lua_tonumber(lua, 1) == kDone) return Verdict::kDone;
  if (lua_isboolean(lua, 1) && lua_toboolean(lua, 1) != 0) {
    home_->route(request.result());
    return Verdict::kDone;
  }
  if (NodeHandle* payload = test_node(lua, 1);
      payload != nullptr && payload->is_valid() && !payload->node->is_text) {
    xmpp::Stanza result = request.result();
    result.element().add_copy(static_cast<xmpp::Element&>(*payload->node));
    home_->route(std::move(result));
    return Verdict::kDone;
  }
  if (const auto condition = xmpp::stanza_condition(text_at(lua, 2));
      lua_isnoneornil(lua, 1) && condition) {
    home_->refuse(request, {*condition, std::string(text_at(lua, 3))});
    return Verdict::kDone;
  }
  LOG(state_.log(), kError, "scriptlet_error", {"iq", method.ns},
      {"error",
       "an iq handler must return a node, true, xmpp.CONT, or nil and a stanza error "
       "condition of RFC 6120 section 8.3.3"});
  home_->refuse(request, {StanzaCondition::kInternalServerError});
  return Verdict::kDone;
}

}  // namespace impulse::xmpp_lua
