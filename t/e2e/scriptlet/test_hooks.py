"""Lua scriptlets: the XMPP functions of the original's manual, and what a bad script may cost."""

import signal
import time

import pytest

from impulse_test import patience
from impulse_test.raw import body, error_condition

# As in the manual: a module with client_message_recv that answers CONT or DONE.
FILTER = """
require("msys.core")
local xmpp = require("msys.xmpp")
local mod = {}

function mod:client_message_recv(sess, stanza)
  for child in stanza:children() do
    if child:name() == "body" and child:contents() == "stop" then
      return msys.xmpp.DONE
    end
  end
  return msys.xmpp.CONT
end

xmpp.registerModule("filter", mod)
"""


def with_script(new_server, text, **named):
    """A server with one script of the test's own."""
    server = new_server(**named)
    server.script("test-script", text)
    return server


def pair(server):
    return server.online("juliet", "home"), server.online("romeo", "home")


def handler(lines, more=""):
    return f"""
local xmpp = require("msys.xmpp")
local mod = {{}}
function mod:client_message_recv(sess, stanza)
{lines}
  return msys.xmpp.CONT
end
{more}
xmpp.registerModule("test-script", mod)
"""


def test_cont_and_done(new_server):
    """DONE: handled, goes nowhere. CONT: on to the next, and to its addressee."""
    server = with_script(new_server, FILTER).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "stop", identity="stopped")
    juliet.message(romeo.jid, "go", identity="passed")
    assert romeo.receive().get("id") == "passed"
    assert juliet.drain() == []


def test_several_modules_are_asked_in_the_order_of_the_configuration(new_server):
    """The second sees only what the first let pass."""
    server = new_server()
    server.script("first", FILTER)
    server.script("second", handler("""
  local reply = "<message to='" .. stanza:attr("from") .. "' from='localhost' type='headline'>"
    .. "<body>second</body></message>"
  xmpp:send(reply)""").replace("test-script", "second"))
    server.start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "stop")
    assert juliet.drain() == []
    juliet.message(romeo.jid, "go")
    assert body(juliet.receive()) == "second"
    assert body(romeo.receive()) == "go"


def test_the_parts_of_a_stanza(new_server):
    """attr, children, name, contents; attributes can be set, text can be replaced."""
    server = with_script(new_server, handler("""
  assert(stanza:name() == "message")
  assert(stanza:attr("type") == "chat")
  assert(stanza:attr("absent") == nil)
  assert(stanza:attr("from") == "juliet@localhost/home", stanza:attr("from"))
  local names = {}
  for child in stanza:children() do
    names[#names + 1] = child:name()
    if child:name() == "body" then child:contents("changed: " .. child:contents()) end
  end
  stanza:attr("id", table.concat(names, ","))
""")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "Hi <&>", extra="<subject>s</subject><x xmlns='urn:x'/>")
    got = romeo.receive()
    assert got.get("id") == "body,subject,x"
    assert body(got) == "changed: Hi <&>"


def test_stanzas_are_built_and_routed(new_server):
    """xml.newnode, addchild and xmpp.routeStanza, as in the manual's mail example."""
    server = with_script(new_server, handler("""
  if stanza:attr("to") ~= "localhost" then return msys.xmpp.CONT end
  local node = xml.newnode("message")
  node:attr("to", stanza:attr("from"))
  node:attr("from", "echo@localhost")
  node:attr("type", "chat")
  local text = node:addchild("body")
  text:contents("built")
  xmpp.routeStanza(node)
  do return msys.xmpp.DONE end
""").replace("local mod", 'local xml = require("xml")\nlocal mod', 1)).start()
    juliet, _ = pair(server)
    juliet.message("localhost", "x")
    got = juliet.receive()
    assert (got.get("from"), body(got)) == ("echo@localhost", "built")


def test_send_tells_whether_it_could(new_server):
    """xmpp:send parses a text and routes it; a broken one is false and nothing else."""
    server = with_script(new_server, handler("""
  local good = xmpp:send("<message to='romeo@localhost/home' from='localhost'><body>a</body>" ..
    "</message>")
  local results = { tostring(good) }
  for _, text in ipairs { "<message", "", "text", "<a/><b/>", "<!DOCTYPE x><message/>" } do
    results[#results + 1] = tostring(xmpp:send(text))
  end
  stanza:attr("id", table.concat(results, ","))
""")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "x")
    got = {body(stanza): stanza for stanza in (romeo.receive(), romeo.receive())}
    assert got["x"].get("id") == "true,false,false,false,false,false"
    assert "a" in got


def test_who_is_online(new_server):
    """xmpp.connected, xmpp.online, xmpp.valid_domain and the accessors of JIDs."""
    server = with_script(new_server, handler("""
  local jid = xmpp.jid("romeo@localhost/home")
  local online, offline = xmpp.online("romeo@localhost"), xmpp.online("tybalt@localhost")
  local facts = {
    jid:user(), jid:domain(), jid:resource(), jid:bare(), jid:get(),
    tostring(xmpp.jid("@@")), tostring(xmpp.connected("romeo@localhost/home")),
    tostring(xmpp.connected("tybalt@localhost")), tostring(online.availability),
    tostring(online.show), tostring(online.status), tostring(offline.availability),
    tostring(xmpp.valid_domain("localhost")), tostring(xmpp.valid_domain("elsewhere.example")),
  }
  stanza:attr("id", table.concat(facts, ","))
""")).start()
    juliet, romeo = pair(server)
    romeo.presence(inner="<show>away</show><status>reading</status>")
    romeo.receive()
    juliet.message(romeo.jid, "x")
    assert romeo.receive().get("id").split(",") == [
        "romeo", "localhost", "home", "romeo@localhost", "romeo@localhost/home", "nil", "true",
        "false", "true", "away", "reading", "false", "true", "false"]


def test_a_chat_state_reaches_the_hook(new_server):
    """Messages without a body, too: scripts of the manual filter on body:len() > 0."""
    server = with_script(new_server, handler("  stanza:attr('id', 'seen')")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, None,
                   extra="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    assert romeo.receive().get("id") == "seen"


def test_presence_and_iq_have_hooks_too(new_server):
    """client_presence_recv and client_iq_recv."""
    server = with_script(new_server, """
local xmpp = require("msys.xmpp")
local mod = {}
function mod:client_presence_recv(sess, stanza)
  if stanza:attr("id") == "hidden" then return msys.xmpp.DONE end
  return msys.xmpp.CONT
end
function mod:client_iq_recv(sess, stanza)
  if stanza:attr("id") == "mine" then
    xmpp:send("<iq type='result' id='mine' from='localhost' to='" .. stanza:attr("from") .. "'/>")
    return msys.xmpp.DONE
  end
  return msys.xmpp.CONT
end
xmpp.registerModule("test-script", mod)
""").start()
    juliet, romeo = pair(server)
    juliet.presence(to=romeo.jid, identity="hidden")
    juliet.presence(to=romeo.jid, identity="shown")
    assert romeo.receive().get("id") == "shown"
    answer = juliet.iq("get", "<x xmlns='urn:x'/>", identity="mine")
    assert (answer.get("type"), answer.get("from")) == ("result", "localhost")
    assert error_condition(juliet.iq("get", "<x xmlns='urn:x'/>"))


def test_print_goes_to_the_log(new_server):
    """print and msys.log."""
    server = with_script(new_server, handler("""  print("hello", "from Lua")""")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "x")
    romeo.receive()
    server.wait_log("scriptlet_print", "from Lua")


def test_waiting_for_the_database_stalls_nobody(new_server):
    """A handler waits for a query; its session's order is kept, other sessions go on."""
    server = with_script(new_server, handler("""
  local row = msys.db.fetch_row("impulse", "SELECT 7 * 6 AS answer", {})
  stanza:attr("id", stanza:attr("id") .. "=" .. tostring(row.answer or row[1]))
""").replace("local mod", 'require("msys.db")\nlocal mod', 1)).start()
    juliet, romeo = pair(server)
    for n in range(50):
        juliet.message(romeo.jid, "x", identity=f"m{n}")
    assert [romeo.receive().get("id") for _ in range(50)] == [f"m{n}=42" for n in range(50)]


@pytest.mark.parametrize("fault", [
    'error("deliberate")', "local x = nil; x.y = 1", "error({})", "undefined_function()",
    "local function f() return f() + 1 end f()"],
    ids=["error", "nil", "table", "undefined", "recursion"])
def test_an_error_costs_one_stanza(new_server, fault):
    """The sender is told internal-server-error, the log has a traceback, all else goes on."""
    server = with_script(new_server, handler(f"""
  if stanza:attr("id") == "bad" then {fault} end""")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "x", identity="bad")
    server.expect_log("scriptlet_error", "ERROR")
    answer = juliet.receive()
    assert answer.get("id") == "bad"
    assert error_condition(answer) == ("cancel", "internal-server-error")
    juliet.message(romeo.jid, "x", identity="good")
    assert romeo.receive().get("id") == "good"
    line = server.wait_log("scriptlet_error")
    assert "test_script.lua" in line["fields"]


@pytest.mark.parametrize("loop", ["while true do end", "repeat until false",
                                  "for i = 1, 1e15 do local x = i * 2 end",
                                  "local t = {} while true do t[1] = (t[1] or 0) + 1 end",
                                  "pcall(function() while true do end end) while true do end"],
                         ids=["while", "repeat", "for", "table", "pcall"])
def test_an_endless_loop_is_cut_off(new_server, loop):
    """A script that spins is stopped by its budget, and then is an error as any other; sessions
    of other loops do not notice."""
    server = with_script(new_server, handler(f"""
  if stanza:attr("id") == "spin" then {loop} end"""), scriptlet={"budget_ms": 200})
    server.expect_log("scriptlet_error")
    server.start()
    juliet, romeo = pair(server)
    began = time.monotonic()
    juliet.message(romeo.jid, "x", identity="spin")
    answer = juliet.receive()
    assert error_condition(answer) == ("cancel", "internal-server-error")
    assert time.monotonic() - began < patience(5)
    juliet.message(romeo.jid, "x", identity="good")
    assert romeo.receive().get("id") == "good"


def test_a_pattern_without_end_does_not_hold_up_a_stop(new_server):
    """A match runs in C, where the budget cannot reach it; the server still ends when it is told
    to, after what was acknowledged has been written."""
    server = with_script(new_server, handler("""
  if stanza:attr("id") == "spin" then
    print("the match begins")
    string.rep("a", 1e3):find(string.rep("a?", 1e2) .. "b")
  end"""))
    server.start()
    server.expect_log("server_stop_timeout", "ERROR")
    juliet = server.online("juliet")
    juliet.message("romeo@localhost/home", "x", identity="spin")
    server.wait_log("scriptlet_print", "the match begins")
    server.process.send_signal(signal.SIGTERM)
    server.wait_for_exit(status=1)


def test_a_script_that_eats_memory_is_stopped(new_server):
    """memory_limit, an option of the scriptlet stanza."""
    server = with_script(new_server, handler("""
  if stanza:attr("id") == "eat" then
    local t = {}
    for i = 1, 1e9 do t[i] = string.rep("x", 1e5) .. i end
  end"""), scriptlet={"memory_limit": "67108864", "budget_ms": 20000})
    server.expect_log("scriptlet_error")
    server.start()
    juliet, romeo = pair(server)
    before = server.memory()
    juliet.message(romeo.jid, "x", identity="eat")
    assert error_condition(juliet.receive()) == ("cancel", "internal-server-error")
    assert server.memory() < before + (300 << 20)
    juliet.message(romeo.jid, "x", identity="good")
    assert romeo.receive().get("id") == "good"


@pytest.mark.parametrize("text,words", [
    (None, "no_such"), ("function (", "test_script.lua"), ("error('at load')", "at load"),
    ("x != 1", "test_script.lua"),
    ('msys.registerModule("t", { init = function() return false end })', "init")],
    ids=["unknown source", "syntax", "error at load", "other dialect", "init says no"])
def test_a_script_that_cannot_be_loaded_stops_the_start(new_server, text, words):
    """Exit status 1 and a reason with the script's name."""
    server = new_server()
    if text is None:
        server.scripts["gone"] = "no_such.script"
    else:
        server.script("test-script", text)
    server.expected_log.append(lambda line: True)
    with pytest.raises(AssertionError) as failure:
        server.start()
    assert "ended with status 1" in str(failure.value)
    assert words in str(failure.value)
    server.process = None


def test_reload_replaces_a_script(new_server):
    """The new text counts for what comes after; a broken one changes nothing."""
    server = with_script(new_server, handler("  stanza:attr('id', 'one')")).start()
    juliet, romeo = pair(server)
    juliet.message(romeo.jid, "x")
    assert romeo.receive().get("id") == "one"
    server.script("test-script", handler("  stanza:attr('id', 'two')"))
    server.ctl("config", "reload")
    juliet.message(romeo.jid, "x")
    assert romeo.receive().get("id") == "two"
    server.script("test-script", "function (")
    server.expect_log("reload_failed")
    assert "test_script.lua" in server.ctl("config", "reload", status=1)
    juliet.message(romeo.jid, "x")
    assert romeo.receive().get("id") == "two"


def test_without_the_scripts_there_is_no_roster(new_server):
    """The service is made of scripts: without them a roster request is service-unavailable."""
    server = new_server(scripts={}).start()
    juliet = server.login("juliet")
    answer = juliet.iq("get", "<query xmlns='jabber:iq:roster'/>")
    assert error_condition(answer) == ("cancel", "service-unavailable")
    assert juliet.ping() is not None
