--- Tests of msys.xmpp.offline: which messages are worth keeping (XEP-0160 section 3, XEP-0334).

local t = require("harness")
local stubs = require("stubs")
local xmpp = stubs.install()
local offline = require("msys.xmpp.offline")
local node = stubs.node

local HINTS = "urn:xmpp:hints"
local function body(text) return node("body", {}, { text = text }) end
local function hint(name) return node(name, {}, { ns = HINTS }) end
local function state(name) return node(name, {}, { ns = "http://jabber.org/protocol/chatstates" }) end

local ROWS = {
  { "a text", { body("Art thou not Romeo?") }, "keep" },
  { "a text and a chat state", { body("hello"), state("active") }, "keep" },
  { "a subject alone", { node("subject", {}, { text = "Verona" }) }, "keep" },
  { "a receipt", { node("received", {}, { ns = "urn:xmpp:receipts" }) }, "keep" },
  { "what says that it is to be kept", { node("encrypted", {}, { ns = "eme" }), hint("store") }, "keep" },
  { "a chat state alone", { state("composing") }, "drop" },
  { "nothing", {}, "drop" },
  { "an empty text", { body("") }, "drop" },
  { "a received of another namespace", { node("received", {}, { ns = "other" }) }, "drop" },
  { "a store of another namespace", { node("store", {}, { ns = "other" }) }, "drop" },
  { "a text that must not be kept", { body("secret"), hint("no-store") }, "refuse" },
  { "a text that is not for archives", { body("secret"), hint("no-permanent-store") }, "keep" },
  { "both hints: the careful one counts", { body("x"), hint("store"), hint("no-store") }, "refuse" },
}
for _, row in ipairs(ROWS) do
  t.test(row[1], function()
    t.equal(offline.verdict(node("message", {}, {}, unpack(row[2]))), row[3])
  end)
end

t.test("without a text worth keeping, a chat state is dropped and not refused", function()
  t.equal(offline.verdict(node("message", {}, {}, state("gone"), hint("no-store"))), "drop")
end)

t.test("it comes after presence: contacts hear of us first", function()
  t.equal(xmpp.modules["xmpp-offline"].order, 120)
end)
