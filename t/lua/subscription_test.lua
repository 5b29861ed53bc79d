--- Tests of msys.xmpp.subscription: every cell of the tables of RFC 6121 appendix A.2 and A.3.

local t = require("harness")
local subscription = require("msys.xmpp.subscription")

-- The rows of every table, in the order of the RFC.
local STATES = { "none", "none+out", "none+in", "none+out+in", "to", "to+in", "from", "from+out",
                 "both" }

-- Columns of each cell: ROUTE? (or DELIVER?), then NEW STATE, "=" for "no state change".
-- MUST is true, MUST NOT and SHOULD NOT are false. What a footnote adds is the third.
local OUTBOUND = {
  subscribe = { -- table 2
    { true, "none+out" }, { true, "=" }, { true, "none+out+in" }, { true, "=" }, { true, "=" },
    { true, "=" }, { true, "from+out" }, { true, "=" }, { true, "=" },
  },
  unsubscribe = { -- table 3
    { true, "=" }, { true, "none" }, { true, "=" }, { true, "none+in" }, { true, "none" },
    { true, "none+in" }, { true, "=" }, { true, "from" }, { true, "from" },
  },
  subscribed = { -- table 4; "approve": pre-approval (section 3.4)
    { false, "=", "approve" }, { false, "=", "approve" }, { true, "from" }, { true, "from+out" },
    { false, "=", "approve" }, { true, "both" }, { false, "=" }, { false, "=" }, { false, "=" },
  },
  unsubscribed = { -- table 5; "disapprove": cancels a pre-approval
    { false, "=", "disapprove" }, { false, "=", "disapprove" }, { true, "none" },
    { true, "none+out" }, { false, "=", "disapprove" }, { true, "to" }, { true, "none" },
    { true, "none+out" }, { true, "to" },
  },
}
local INBOUND = {
  subscribe = { -- table 6; the third: what the server answers for the user
    { true, "none+in" }, { true, "none+out+in" }, { false, "=" }, { false, "=" }, { true, "to+in" },
    { false, "=" }, { false, "=", "subscribed" }, { false, "=", "subscribed" },
    { false, "=", "subscribed" },
  },
  unsubscribe = { -- table 7
    { false, "=" }, { false, "=" }, { true, "none", "unsubscribed" },
    { true, "none+out", "unsubscribed" }, { false, "=" }, { true, "to", "unsubscribed" },
    { true, "none", "unsubscribed" }, { true, "none+out", "unsubscribed" },
    { true, "to", "unsubscribed" },
  },
  subscribed = { -- table 8
    { false, "=" }, { true, "to" }, { false, "=" }, { true, "to+in" }, { false, "=" },
    { false, "=" }, { false, "=" }, { true, "both" }, { false, "=" },
  },
  unsubscribed = { -- table 9
    { false, "=" }, { true, "none" }, { false, "=" }, { true, "none+in" }, { true, "none" },
    { true, "none+in" }, { false, "=" }, { true, "from" }, { true, "from" },
  },
}

for kind, rows in pairs(OUTBOUND) do
  for i, state in ipairs(STATES) do
    t.test("outbound " .. kind .. " in " .. state, function()
      local route, new, extra = unpack(rows[i], 1, 3)
      local cell = subscription.outbound(kind, state)
      t.equal(cell.route or false, route, "route")
      t.equal(cell[1] or "=", new, "new state")
      t.equal(cell.approve or false, extra == "approve", "pre-approval")
      t.equal(cell.disapprove or false, extra == "disapprove", "end of a pre-approval")
    end)
  end
end

for kind, rows in pairs(INBOUND) do
  for i, state in ipairs(STATES) do
    t.test("inbound " .. kind .. " in " .. state, function()
      local deliver, new, reply = unpack(rows[i], 1, 3)
      local cell = subscription.inbound(kind, state)
      t.equal(cell.deliver or false, deliver, "deliver")
      t.equal(cell[1] or "=", new, "new state")
      t.equal(cell.reply, reply, "reply")
    end)
  end
end

t.test("a state goes into an item and comes out of it", function()
  for _, state in ipairs(STATES) do
    local item = { pending = "<presence/>" }
    subscription.set_state(item, state)
    t.equal(subscription.state_of(item), state)
    t.equal(item.subscription, state:match("^%a+"))
  end
end)

t.test("nobody is a contact in state none", function()
  t.equal(subscription.state_of(nil), "none")
end)

t.test("an answered request is forgotten, a waiting one is kept", function()
  local item = { subscription = "none", pending = "<presence/>" }
  subscription.set_state(item, "none+out+in")
  t.equal(item.pending, "<presence/>")
  subscription.set_state(item, "from+out")
  t.equal(item, { subscription = "from", ask = true })
end)

t.test("presence goes to from and both, and comes from to and both", function()
  local gives, takes = {}, {}
  for _, value in ipairs({ "none", "to", "from", "both" }) do
    if subscription.gives(value) then gives[#gives + 1] = value end
    if subscription.takes(value) then takes[#takes + 1] = value end
  end
  t.equal(gives, { "from", "both" })
  t.equal(takes, { "to", "both" })
end)

t.test("four types make and end subscriptions", function()
  for kind in pairs(OUTBOUND) do t.equal(subscription.is_type(kind), true, kind) end
  for _, kind in ipairs({ "unavailable", "probe", "error", "" }) do
    t.equal(subscription.is_type(kind), false, kind)
  end
end)
