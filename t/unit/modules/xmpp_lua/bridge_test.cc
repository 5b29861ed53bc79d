// Tests of the bridge: hooks, iq handlers, nodes and addresses as scripts see them.
#include "modules/xmpp_lua/bridge.h"

#include <algorithm>
#include <future>
#include <variant>

#include "modules/xmpp/module_log.h"
#include "modules/xmpp_lua/library.h"
#include "t/unit/modules/scriptlet/script_fixture.h"

namespace impulse::xmpp {
/// The module's own is beside its descriptor, which this program has not.
log::Source& module_log() {
  static log::Source source("xmpp", log::Level::kError);
  return source;
}
}  // namespace impulse::xmpp

namespace impulse::xmpp_lua {
namespace {

using Texts = std::vector<std::string>;
using xmpp::Jid;
using xmpp::Passage;
using xmpp::Stanza;
using xmpp::Verdict;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// An engine that serves example.com on two loops, and scripts.
class Bridged : public scriptlet::ScriptTest {
 protected:
  Bridged() : ScriptTest(2), engine_(host_), xmpp_library_(engine_) {
    xmpp::Domains domains;
    domains.served = {"example.com"};
    domains.may_reach = [](std::string_view domain) { return domain == "example.net"; };
    engine_.set_domains(std::make_shared<const xmpp::Domains>(std::move(domains)));
    manager().add_library(xmpp_library_);
    manager().set_default_datasource([this] { return engine_.datasource(); });
  }
  ~Bridged() override { stop_loops(); }

  static Jid jid(std::string_view text) { return *Jid::parse(text); }
  static Stanza message(std::string_view from, std::string_view to, std::string_view body) {
    Stanza stanza = Stanza::message(xmpp::MessageType::kChat, jid(from), jid(to));
    stanza.element().add_child("body").add_text(body);
    return stanza;
  }
  void send(std::string_view from, std::string_view to, std::string_view body) {
    engine_.route(message(from, to, body));
  }
  /// Runs `fn` on the loop and answers what it answers.
  template <class F>
  auto on_loop(unsigned index, F fn) {
    std::promise<decltype(fn())> promise;
    auto answer = promise.get_future();
    loops_.at(index).post([&] { promise.set_value(fn()); });
    return answer.get();
  }
  /// The verdict of the iq handler for this request; kWait when it has not answered yet.
  Verdict ask(xmpp::IqTarget target, std::string_view type, std::string_view ns,
              std::string_view name) {
    return on_loop(0, [&] {
      const xmpp::HookHandler* handler = engine_.at(0).iqs().find(target, type, ns, name);
      if (handler == nullptr) return Verdict::kCont;
      Stanza request = Stanza::iq(type == "get" ? xmpp::IqType::kGet : xmpp::IqType::kSet, "1",
                                  jid("stranger@example.com/x"), jid("example.com"));
      request.element().add_child(name, ns);
      Verdict verdict = Verdict::kWait;
      engine_.at(0).hooks().run_one(
          *handler, Passage(xmpp::HookPoint::kClientIqRecv, nullptr, nullptr, std::move(request)),
          [&verdict](Passage, Verdict v) { verdict = v; });
      return verdict;
    });
  }

  xmpp::Engine engine_;
  XmppLibrary xmpp_library_;
};

/// Pure parts are asserted by the script itself, while it is loaded.
class Values : public Bridged {};

TEST_F(Values, StanzasAreBuiltAndWritten) {
  EXPECT_EQ(refusal(R"(
local xmpp = require("msys.xmpp")
assert(xmpp == msys.xmpp)
local m = xmpp.stanza("message", { type = "chat", to = "a@example.com", id = 7 })
local body = m:addchild("body")
body:contents("a < b & c")
assert(m:name() == "message" and m:ns() == "jabber:client" and m:attr("type") == "chat")
assert(m:attribute("id") == "7" and m:attr("from") == nil)
assert(body:ns() == "jabber:client" and m:child("body"):contents() == "a < b & c")
assert(m:child("subject") == nil and m:child("body", "urn:x") == nil)
m:attr("xml:lang", "en")
assert(m:attr("xml:lang") == "en")
m:attr("type", nil)
assert(m:attr("type") == nil)
local back = xml.parsexml(tostring(m)):root()
assert(back:child("body"):contents() == "a < b & c" and back:attr("to") == "a@example.com")
assert(m:tostring() == tostring(m))
)"),
            "");
}

TEST_F(Values, ChildrenIncludeTextAndSurviveUnlinking) {
  EXPECT_EQ(refusal(R"(
local root = xml.parsexml("<a xmlns='u'>one<b/>two<c/><d>three</d></a>"):root()
local names = {}
for child in root:children() do names[#names + 1] = child:name() end
assert(table.concat(names, " ") == "text b text c d")
local d = root:child("d")
for child in root:children() do if child:name() ~= "d" then assert(child:unlink() == child) end end
assert(tostring(root) == "<a xmlns='u'><d>three</d></a>", tostring(root))
assert(d:unlink():contents() == "three" and root:contents() == "")
assert(root:doc():root() == root)
)"),
            "");
}

TEST_F(Values, NodesAreCopiedIntoOtherTrees) {
  EXPECT_EQ(refusal(R"(
local a, b = xml.newnode("a", "u"), xml.newnode("b", "u")
local added = a:addchild(b)
b:addchild("late")
assert(added:name() == "b" and added:child("late") == nil)
a:addchild(a) -- a tree into itself
a:addchild(a:child("b"))
assert(tostring(a) == "<a xmlns='u'><b/><a><b/></a><b/></a>", tostring(a))
local copy = a:clone()
a:contents("")
assert(a:child("b") == nil and copy:child("b"))
)"),
            "");
}

TEST_F(Values, WhatXmlForbidsIsRefused) {
  EXPECT_EQ(refusal(R"(
local n = xml.newnode("a")
assert(not pcall(xml.newnode, "a b") and not pcall(n.addchild, n, "<x/>"))
assert(not pcall(n.contents, n, "\0") and not pcall(n.contents, n, "\255"))
assert(not pcall(n.attr, n, "x y", "1") and not pcall(n.attr, n, "xmlns", "1"))
assert(not pcall(n.attr, n, "x", "\1") and not pcall(n.name, {}) and not pcall(n.name, io.stdout))
local doc, err = xml.parsexml("<a><b></a>")
assert(doc == nil and type(err) == "string")
assert(xml.parsexml("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>") == nil)
assert(xml.parsexml("<?xml version='1.0'?>\n<a> <b/> </a>"):root():tostring()
       == "<a xmlns='jabber:client'><b/></a>")
assert(tostring(xml.parsexml("<a/>")):match("^<%?xml version"))
)"),
            "");
}

TEST_F(Values, AddressesHaveParts) {
  EXPECT_EQ(refusal(R"(
local xmpp = msys.xmpp
local j = xmpp.jid("Juliet@Example.COM/Balcony")
assert(j:user() == "juliet" and j:domain() == "example.com" and j:resource() == "Balcony")
assert(j:bare() == "juliet@example.com" and j:get() == "juliet@example.com/Balcony")
assert(tostring(j) == j:get() and j == xmpp.jid("juliet@example.com/Balcony"))
assert(j ~= xmpp.jid("juliet@example.com") and xmpp.jid(j) == j)
local d = xmpp.jid("example.com")
assert(d:user() == "" and d:resource() == "" and d:domain() == "example.com")
local bad, err = xmpp.jid("@")
assert(bad == nil and type(err) == "string")
assert(xmpp.local_domain("EXAMPLE.com") and not xmpp.local_domain("example.org"))
assert(xmpp.valid_domain("example.net") and not xmpp.valid_domain("example.org"))
local set = xmpp.jidset()
assert(set:add("A@example.com/x") and not set:add("a@example.com") and set:has("a@example.com"))
assert(set:count() == 1 and set:remove(xmpp.jid("a@example.com")) and set:count() == 0)
assert(set:add("@") == nil)
)"),
            "");
}

TEST_F(Values, TimestampsAreThoseOfXep0082) {
  EXPECT_EQ(refusal(R"(
local xmpp = msys.xmpp
assert(xmpp.timestamp(0) == "1970-01-01T00:00:00.000Z")
assert(xmpp.timestamp(1790000000.25) == "2026-09-21T14:13:20.250Z", xmpp.timestamp(1790000000.25))
assert(xmpp.timestamp():match("^%d%d%d%d%-%d%d%-%d%dT") and math.abs(xmpp.now() - os.time()) < 5)
)"),
            "");
}

TEST_F(Values, RegisteringChecksItsArguments) {
  EXPECT_TRUE(has(refusal("msys.xmpp.register_iq('room', 'get', 'u', 'q', print)"), "account"));
  EXPECT_TRUE(has(refusal("msys.xmpp.register_iq('server', 'result', 'u', 'q', print)"), "get"));
  EXPECT_TRUE(has(refusal("msys.xmpp.routeStanza(xml.newnode('message'))"), "does not run yet"));
}

class Hooks : public Bridged {};

TEST_F(Hooks, HandlersSeeTheStanzaInOrderUntilDone) {
  run(R"(
local xmpp = require("msys.xmpp")
local function module(name, order, answer)
  xmpp.registerModule(name, { order = order, account_message_recv = function(self, account, stanza)
    report(name .. " " .. account:jid() .. " " .. stanza:child("body"):contents())
    return answer
  end })
end
module("second", 10) module("third", 10, xmpp.DONE) module("never", 11) module("first", -1, xmpp.CONT)
)");
  send("romeo@example.com/r", "juliet@example.com", "hi");
  EXPECT_EQ(reports(3), (Texts{"first juliet@example.com hi", "second juliet@example.com hi",
                               "third juliet@example.com hi"}));
}

TEST_F(Hooks, StanzaIsInvalidOnceItsHandlerIsDone) {
  run(R"(
local kept, copy
msys.xmpp.registerModule("m", { account_message_recv = function(self, account, stanza)
  if kept then
    report(select(2, pcall(kept.name, kept)))
    report(select(2, pcall(tostring, kept)))
    report(copy:child("body"):contents())
  end
  kept, copy = stanza, stanza:clone()
  return msys.xmpp.DONE
end })
)");
  send("romeo@example.com/r", "juliet@example.com", "one");
  send("romeo@example.com/r", "juliet@example.com", "two");
  const Texts all = reports(3);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(has(all[0], "no longer valid")) << all[0];
  EXPECT_TRUE(has(all[1], "no longer valid")) << all[1];
  EXPECT_EQ(all[2], "one");
}

TEST_F(Hooks, WaitingHandlerKeepsStanzaAndOrder) {
  run(R"(
msys.xmpp.registerModule("m", { account_message_recv = function(self, account, stanza)
  local body = stanza:child("body")
  report("in " .. body:contents())
  msys.sleep(body:contents() == "one" and 0.1 or 0)
  report("out " .. stanza:child("body"):contents() .. " " .. account:jid())
  account.data.count = (account.data.count or 0) + 1
end,
})
msys.xmpp.registerModule("next", { account_message_recv = function(self, account, stanza)
  report("next " .. stanza:child("body"):contents() .. " " .. account.data.count)
  return msys.xmpp.DONE
end })
)");
  send("romeo@example.com/r", "juliet@example.com", "one");
  send("romeo@example.com/r", "juliet@example.com", "two");
  EXPECT_EQ(reports(6), (Texts{"in one", "out one juliet@example.com", "next one 1", "in two",
                               "out two juliet@example.com", "next two 2"}));
}

TEST_F(Hooks, FailingHandlerCostsTheStanzaAndTellsTheSender) {
  run(R"(
local function fails(stanza) error("broken") end
msys.xmpp.registerModule("m", { server_message_recv = function(self, stanza)
  if stanza:attr("type") == "error" then
    report(stanza:attr("from") .. " " ..
           tostring(stanza:child("error"):child("internal-server-error") ~= nil))
    return msys.xmpp.DONE
  end
end,
account_message_recv = function(self, account, stanza)
  local wait = stanza:child("body"):contents() == "wait"
  if wait then msys.sleep(0) end
  fails(stanza)
end, account_message_offline = function() report("must not come here") end })
)");
  send("example.com", "juliet@example.com", "now");
  EXPECT_EQ(reports(1), Texts{"juliet@example.com true"});
  send("example.com", "juliet@example.com", "wait");
  EXPECT_EQ(reports(2), (Texts{"juliet@example.com true", "juliet@example.com true"}));
  const std::string log = log_with("in function 'fails'");
  EXPECT_TRUE(has(log, "scriptlet_error")) << log;
  EXPECT_TRUE(has(log, "broken")) << log;
}

TEST_F(Hooks, WrongAnswerCountsAsFailure) {
  run(R"(
msys.xmpp.registerModule("m", { account_message_recv = function() return "done" end,
  server_message_recv = function(self, stanza) report(stanza:attr("type")) return 1 end })
)");
  send("example.com", "juliet@example.com", "x");
  EXPECT_EQ(reports(1), Texts{"error"});
  EXPECT_TRUE(has(log_with("must return xmpp.CONT"), "account_message_recv"));
}

TEST_F(Hooks, HookThatMayNotWaitSaysSo) {
  run(R"(
msys.xmpp.registerModule("m", { before_stanza_send = function() msys.sleep(0) end })
)");
  const Verdict verdict = on_loop(0, [&] {
    Passage passage(xmpp::HookPoint::kBeforeStanzaSend, nullptr, nullptr,
                    message("a@example.com/x", "b@example.com/y", "hi"));
    return engine_.at(0).hooks().run_now(passage);
  });
  EXPECT_EQ(verdict, Verdict::kDone);
  EXPECT_TRUE(has(log_with("must answer at once"), "scriptlet_error"));
}

TEST_F(Hooks, ChangesOfAddressAndTypeReachTheEngine) {
  run(R"(
msys.xmpp.registerModule("m", { order = -5, account_message_recv = function(self, account, stanza)
  stanza:attr("to", "nurse@example.com")
  stanza:attr("type", "headline")
  report(select(2, pcall(stanza.attr, stanza, "to", "@")))
end })
)");
  struct Seen {
    std::string to;
    bool is_headline;
  };
  const Seen seen = on_loop(0, [&] {
    Passage passage(xmpp::HookPoint::kAccountMessageRecv, nullptr, nullptr,
                    message("a@example.com/x", "b@example.com", "hi"));
    Seen result;
    engine_.at(0).hooks().run(std::move(passage), [&result](Passage p, Verdict) {
      result = {std::string(p.stanza->to()->text()),
                p.stanza->message_type() == xmpp::MessageType::kHeadline};
    });
    return result;
  });
  EXPECT_EQ(seen.to, "nurse@example.com");
  EXPECT_TRUE(seen.is_headline);
  EXPECT_TRUE(has(reports(1)[0], "cannot be set to this value"));
}

TEST_F(Hooks, ScriptsRouteStanzasAndLoseThem) {
  run(R"(
local xmpp = msys.xmpp
xmpp.registerModule("m", { account_message_recv = function(self, account, stanza)
  report(account:jid() .. " " .. stanza:child("body"):contents())
  if account:jid() == "juliet@example.com" then
    local m = xmpp.stanza("message", { from = account:jid(), to = "nurse@example.com" })
    m:addchild("body"):contents("forwarded")
    report(xmpp.routeStanza(m))
    report(pcall(m.name, m))
    report(select(2, xmpp.routeStanza(xmpp.stanza("message", { to = "x@example.com" }))))
    report(xmpp:send("<message from='a@example.com' to='nurse@example.com'><body>text</body></message>"))
    report(xmpp:send("<message"))
  end
  return xmpp.DONE
end })
)");
  send("romeo@example.com/r", "juliet@example.com", "hi");
  Texts all = reports(8);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Texts{"false", "false", "juliet@example.com hi", "nurse@example.com forwarded",
                        "nurse@example.com text", "the stanza has no from", "true", "true"}));
}

TEST_F(Hooks, RunHookAsksEachModuleAndMayWait) {
  run(R"(
local xmpp = msys.xmpp
xmpp.registerModule("late", { order = 5, policy_ask = function(self, req)
  req[#req + 1] = "late" return xmpp.DONE end })
xmpp.registerModule("early", { policy_ask = function(self, req)
  msys.sleep(0) req[#req + 1] = "early" end })
xmpp.registerModule("never", { order = 9, policy_ask = function(self, req) req[9] = 1 end })
msys.timer.after(0, function()
  local req = {}
  local answer = xmpp.run_hook("policy_ask", req)
  report(table.concat(req, " ") .. tostring(answer == xmpp.DONE))
  report(xmpp.run_hook("policy_none", req) == xmpp.CONT)
end)
)");
  Texts all = reports(4);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Texts{"early latetrue", "early latetrue", "true", "true"}));
}

TEST_F(Hooks, AskingAnotherHomeWaitsForTheAnswer) {
  run(R"(
local xmpp = msys.xmpp
msys.timer.after(0, function()
  for _, name in ipairs { "a", "b", "c", "d", "e", "f" } do
    assert(xmpp.connected(name .. "@example.com") == false)
    assert(xmpp.online(xmpp.jid(name .. "@example.com/x")).availability == false)
  end
  report("asked")
end)
)");
  EXPECT_EQ(reports(2), (Texts{"asked", "asked"}));
}

TEST_F(Hooks, ReloadLetsTheWaitingHandlerAnswer) {
  const std::string script = R"(
msys.xmpp.registerModule("m", { account_message_recv = function(self, account, stanza)
  report("in") msys.sleep(0.2) report("out " .. stanza:child("body"):contents())
  return msys.xmpp.DONE
end })
)";
  run(script);
  send("romeo@example.com/r", "juliet@example.com", "old");
  EXPECT_EQ(reports(1), Texts{"in"});
  run(script);
  EXPECT_EQ(reports(2), (Texts{"in", "out old"}));
  send("romeo@example.com/r", "juliet@example.com", "new");
  EXPECT_EQ(reports(4), (Texts{"in", "out old", "in", "out new"}));
}

TEST_F(Hooks, ServerMayEndWhileAHandlerWaits) {
  run(R"(
msys.xmpp.registerModule("m", { account_message_recv = function() report("in") msys.sleep(100) end })
)");
  send("romeo@example.com/r", "juliet@example.com", "x");
  EXPECT_EQ(reports(1), Texts{"in"});
}

class Requests : public Bridged {};

TEST_F(Requests, HandlersAnswerRefuseOrPass) {
  run(R"(
local xmpp = msys.xmpp
xmpp.register_iq("server", "get", "urn:a", "query", function(req)
  report(req.from:bare() .. " " .. req.payload:name() .. " " .. tostring(req.session)
         .. " " .. tostring(req.account) .. " " .. req.stanza:attr("id"))
  return xml.newnode("query", "urn:a")
end)
xmpp.register_iq("server", "set", "urn:a", "query", function(req) return nil, "forbidden", "no" end)
xmpp.register_iq("server", "get", "urn:b", "query", function(req) return xmpp.CONT end)
xmpp.register_iq("server", "get", "urn:c", "query", function(req) return "nonsense" end)
xmpp.register_iq("server", "get", "urn:d", "query", function(req) msys.sleep(0) return true end)
xmpp.add_feature("server", "urn:a")
)");
  using enum xmpp::IqTarget;
  EXPECT_EQ(ask(kServer, "get", "urn:a", "query"), Verdict::kDone);
  EXPECT_EQ(reports(1), Texts{"stranger@example.com query nil nil 1"});
  EXPECT_EQ(ask(kServer, "set", "urn:a", "query"), Verdict::kDone);
  EXPECT_EQ(ask(kServer, "get", "urn:b", "query"), Verdict::kCont);
  EXPECT_EQ(ask(kServer, "get", "urn:c", "query"), Verdict::kDone);
  EXPECT_TRUE(has(log_with("an iq handler must return"), "urn:c"));
  EXPECT_EQ(engine_.features("server"), (Texts{"urn:a"}));
}

}  // namespace
}  // namespace impulse::xmpp_lua
