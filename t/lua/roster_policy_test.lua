--- Tests of etc/policy/roster_policy.lua, the example of a policy.

local t = require("harness")
local xmpp = require("stubs").install()
local policy = require("policy.roster_policy")

local ROWS = {
  { "a colleague comes in", "romeo@example.com", nil, "accept" },
  { "a stranger waits for our user", "romeo@example.net", nil, nil },
  { "an unwelcome stranger is turned away", "seller@spam.example", nil, "refuse" },
  { "a domain itself counts as its users", "spam.example", nil, "refuse" },
  { "only the whole domain counts", "a@not.example.com", nil, nil },
  { "whom our user asked waits", "friend@spam.example", { subscription = "none", ask = true }, nil },
  { "whom our user sees waits", "friend@spam.example", { subscription = "to" }, nil },
  { "a note in the roster is no welcome", "x@spam.example", { subscription = "none" }, "refuse" },
}
for _, row in ipairs(ROWS) do
  t.test(row[1], function() t.equal(policy.decide(row[2], row[3]), row[4]) end)
end

--- A request that remembers which answer it was given.
local function request(from)
  local req = { from = from, to = "juliet@example.com" }
  function req.accept() req.answer = "accept" end
  function req.refuse() req.answer = "refuse" end
  return req
end

t.test("the handler answers what was decided, or leaves it to others", function()
  for from, expected in pairs({ ["a@example.com"] = { "accept", xmpp.DONE },
                                ["a@spam.example"] = { "refuse", xmpp.DONE },
                                ["a@b.example"] = { nil, xmpp.CONT } }) do
    local req = request(from)
    local answer = xmpp.modules.roster_policy:roster_policy_subscribe(req)
    t.equal(req.answer, expected[1], from)
    t.equal(answer, expected[2], from)
  end
end)
