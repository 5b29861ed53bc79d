--- Tests of the example in docs/scriptlets.md: it loads, and does what the page says.

local t = require("harness")
local stubs = require("stubs")
local xmpp = stubs.install()

local page = arg[0]:gsub("[^/]*$", "") .. "../../docs/scriptlets.md"
local file = assert(io.open(page))
local text = file:read("*a"):match("```lua\n(.-)\n```")
file:close()
local filter = assert(loadstring(text, "@docs/scriptlets.md"))()

local logged
msys = { core = { LOG_NOTICE = 2 }, log = function(_, line) logged = line end }

--- What became of a message: the answer, and the error condition it was refused with.
local function send(...)
  local condition
  function xmpp.reply_error(_, name) condition = name end
  local sess = { jid = function() return xmpp.jid("juliet@example.com/home") end }
  local answer = xmpp.modules.link_filter:client_message_recv(sess, stubs.node("message", {}, {}, ...))
  return answer, condition
end
local function body(words) return stubs.node("body", {}, { text = words }) end

t.test("links to blocked hosts are found wherever they stand", function()
  for _, words in ipairs({ "http://malware.example", "see https://MALWARE.example/x?y now",
                           "http://good.example and http://malware.example" }) do
    local allowed, condition = filter.decide(words)
    t.equal(allowed, nil, words)
    t.equal(condition, "policy-violation")
  end
  for _, words in ipairs({ "", "malware.example", "http://not.malware.example.org/" }) do
    t.equal(filter.decide(words), true, words)
  end
end)

t.test("a message goes on, or is refused and goes nowhere", function()
  t.equal({ send(body("hello")) }, { xmpp.CONT })
  t.equal({ send() }, { xmpp.CONT })
  t.equal(logged, nil)
  t.equal({ send(body("http://malware.example")) }, { xmpp.DONE, "policy-violation" })
  t.equal(logged, "link refused from juliet@example.com/home")
end)

msys = nil
