--- msys.xmpp.subscription: the presence subscription state machine (RFC 6121 appendix A).
-- Pure: tables and functions without waiting or side effects, so that a test calls them bare.
--
-- A state is "none", "to", "from" or "both", with "+out" when our request awaits an answer and
-- "+in" when theirs awaits ours: "none", "none+out", "none+in", "none+out+in", "to", "to+in",
-- "from", "from+out", "both".

local subscription = {}

-- Outbound: what our user sends. Each cell: the new state (absent: it stays) and whether the
-- stanza is routed. Appendix A.2.
local outbound = {
  subscribe = {
    ["none"] = { "none+out", route = true },
    ["none+out"] = { route = true },
    ["none+in"] = { "none+out+in", route = true },
    ["none+out+in"] = { route = true },
    ["to"] = { route = true },
    ["to+in"] = { route = true },
    ["from"] = { "from+out", route = true },
    ["from+out"] = { route = true },
    ["both"] = { route = true },
  },
  unsubscribe = {
    ["none"] = { route = true },
    ["none+out"] = { "none", route = true },
    ["none+in"] = { route = true },
    ["none+out+in"] = { "none+in", route = true },
    ["to"] = { "none", route = true },
    ["to+in"] = { "none+in", route = true },
    ["from"] = { route = true },
    ["from+out"] = { "from", route = true },
    ["both"] = { "from", route = true },
  },
  -- `approve`: nothing was asked, so it is kept as a pre-approval (section 3.4) and not routed.
  subscribed = {
    ["none"] = { approve = true },
    ["none+out"] = { approve = true },
    ["none+in"] = { "from", route = true },
    ["none+out+in"] = { "from+out", route = true },
    ["to"] = { approve = true },
    ["to+in"] = { "both", route = true },
    ["from"] = {},
    ["from+out"] = {},
    ["both"] = {},
  },
  -- `disapprove`: takes back a pre-approval, if there is one.
  unsubscribed = {
    ["none"] = { disapprove = true },
    ["none+out"] = { disapprove = true },
    ["none+in"] = { "none", route = true },
    ["none+out+in"] = { "none+out", route = true },
    ["to"] = { disapprove = true },
    ["to+in"] = { "to", route = true },
    ["from"] = { "none", route = true },
    ["from+out"] = { "none+out", route = true },
    ["both"] = { "to", route = true },
  },
}

-- Inbound: what the contact sends. Each cell: the new state and whether our user's clients get
-- the stanza; `reply` is sent back on the user's behalf. Appendix A.3.
local inbound = {
  subscribe = {
    ["none"] = { "none+in", deliver = true },
    ["none+out"] = { "none+out+in", deliver = true },
    ["none+in"] = {},
    ["none+out+in"] = {},
    ["to"] = { "to+in", deliver = true },
    ["to+in"] = {},
    ["from"] = { reply = "subscribed" },
    ["from+out"] = { reply = "subscribed" },
    ["both"] = { reply = "subscribed" },
  },
  unsubscribe = {
    ["none"] = {},
    ["none+out"] = {},
    ["none+in"] = { "none", deliver = true, reply = "unsubscribed" },
    ["none+out+in"] = { "none+out", deliver = true, reply = "unsubscribed" },
    ["to"] = {},
    ["to+in"] = { "to", deliver = true, reply = "unsubscribed" },
    ["from"] = { "none", deliver = true, reply = "unsubscribed" },
    ["from+out"] = { "none+out", deliver = true, reply = "unsubscribed" },
    ["both"] = { "to", deliver = true, reply = "unsubscribed" },
  },
  subscribed = {
    ["none"] = {},
    ["none+out"] = { "to", deliver = true },
    ["none+in"] = {},
    ["none+out+in"] = { "to+in", deliver = true },
    ["to"] = {},
    ["to+in"] = {},
    ["from"] = {},
    ["from+out"] = { "both", deliver = true },
    ["both"] = {},
  },
  unsubscribed = {
    ["none"] = {},
    ["none+out"] = { "none", deliver = true },
    ["none+in"] = {},
    ["none+out+in"] = { "none+in", deliver = true },
    ["to"] = { "none", deliver = true },
    ["to+in"] = { "none+in", deliver = true },
    ["from"] = {},
    ["from+out"] = { "from", deliver = true },
    ["both"] = { "from", deliver = true },
  },
}

--- The state of a roster item; no item is "none".
-- @param item  { subscription = "none" | "to" | "from" | "both", ask = bool, pending = text }
function subscription.state_of(item)
  if not item then return "none" end
  local state = item.subscription
  if item.ask then state = state .. "+out" end
  if item.pending then state = state .. "+in" end
  return state
end

--- Puts a state into an item. The pending request itself (its stanza) is the caller's.
function subscription.set_state(item, state)
  item.subscription = state:match("^%a+")
  item.ask = state:find("+out", 1, true) ~= nil or nil
  if not state:find("+in", 1, true) then item.pending = nil end
end

--- What happens when our user sends a stanza of this type.
-- @return { state or nil, route =, approve =, disapprove = }
function subscription.outbound(kind, state) return outbound[kind][state] end

--- What happens when the contact sends a stanza of this type.
-- @return { state or nil, deliver =, reply = type or nil }
function subscription.inbound(kind, state) return inbound[kind][state] end

--- Does the contact get our user's presence in this subscription?
function subscription.gives(value) return value == "from" or value == "both" end
--- Does our user get the contact's presence?
function subscription.takes(value) return value == "to" or value == "both" end

--- Is this one of the four types that make and end subscriptions?
function subscription.is_type(kind) return outbound[kind] ~= nil end

return subscription
