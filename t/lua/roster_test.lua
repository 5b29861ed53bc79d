--- Tests of msys.xmpp.roster: what a roster set may say (RFC 6121 sections 2.1.5 and 2.3.3).

local t = require("harness")
local stubs = require("stubs")
local xmpp = stubs.install()
local roster = require("msys.xmpp.roster")
local node = stubs.node

local function query(...) return node("query", {}, { ns = "jabber:iq:roster" }, ...) end
local function group(text) return node("group", {}, { text = text }) end

t.test("the module is registered under its name", function()
  t.equal(xmpp.modules["xmpp-roster"] == roster, true)
  t.equal(roster.order, 100)
end)

t.test("an item with a name and groups is read", function()
  local change = roster.read_item(query(
    node("item", { jid = "Juliet@example.com", name = "Juliet" }, {}, group("Friends"), group("Verona"))))
  t.equal(change, { jid = "juliet@example.com", name = "Juliet", groups = { "Friends", "Verona" },
                    remove = false })
end)

t.test("what is no item and no group is passed over", function()
  local change = roster.read_item(query(
    node("other"), node("item", { jid = "a@b" }, {}, node("note", {}, { text = "x" }))))
  t.equal(change, { jid = "a@b", groups = {}, remove = false })
end)

t.test("an empty name is none", function()
  t.equal(roster.read_item(query(node("item", { jid = "a@b", name = "" }))).name, nil)
end)

t.test("a subscription other than remove is not the client's to say", function()
  local change = roster.read_item(query(node("item", { jid = "a@b", subscription = "both" })))
  t.equal(change, { jid = "a@b", groups = {}, remove = false })
end)

t.test("a removal needs nothing but the address", function()
  local change = roster.read_item(query(
    node("item", { jid = "a@b", subscription = "remove" }, {}, group(""))))
  t.equal(change, { jid = "a@b", groups = {}, remove = true })
end)

local many = {}
for i = 1, 101 do many[i] = group("g" .. i) end
local REFUSED = {
  { "no item", query(), "bad-request" },
  { "two items", query(node("item", { jid = "a@b" }), node("item", { jid = "c@d" })), "bad-request" },
  { "no jid", query(node("item", {})), "bad-request" },
  { "no address", query(node("item", { jid = "a b@c" })), "jid-malformed" },
  { "a name too long", query(node("item", { jid = "a@b", name = ("n"):rep(1024) })), "not-acceptable" },
  { "an empty group", query(node("item", { jid = "a@b" }, {}, group(""))), "not-acceptable" },
  { "a group too long", query(node("item", { jid = "a@b" }, {}, group(("g"):rep(1024)))),
    "not-acceptable" },
  { "a group twice", query(node("item", { jid = "a@b" }, {}, group("x"), group("x"))), "bad-request" },
  { "too many groups", query(node("item", { jid = "a@b" }, {}, unpack(many))), "not-acceptable" },
}
for _, row in ipairs(REFUSED) do
  t.test("refused: " .. row[1], function()
    local change, condition, text = roster.read_item(row[2])
    t.equal(change, nil)
    t.equal(condition, row[3])
    t.equal(text:match("%.$"), ".", "the text is a sentence")
  end)
end

t.test("the longest name and group are still taken", function()
  local long = ("x"):rep(1023)
  local change = roster.read_item(query(node("item", { jid = "a@b", name = long }, {}, group(long))))
  t.equal(change.name, long)
  t.equal(change.groups, { long })
end)
