--- roster_policy: whose requests to see our users' presence are answered for them.
-- Answers inbound subscription requests (RFC 6121 section 3.1.3) before msys.xmpp.roster does.
-- Copy it to the directory "policy" beside your impulse.conf, change the settings, and load it with
--   script "roster_policy" { source = "policy.roster_policy" }

require("msys.core")
local xmpp = require("msys.xmpp")

local colleagues = { ["example.com"] = true }  -- domains whose users are let in at once
local unwelcome = { ["spam.example"] = true }  -- domains whose users are turned away

--- Decides one request. Pure: no waiting, no globals, so a test calls it bare.
-- @param from   bare JID of the person asking, a string
-- @param item   the roster item already kept for them, or nil
-- @return "accept", "refuse", or nil: our user is asked
local function decide(from, item)
  local domain = from:match("@(.+)$") or from
  if colleagues[domain] then return "accept" end
  -- Whom our user wants to see is never turned away behind their back.
  if item and (item.ask or item.subscription == "to") then return nil end
  if unwelcome[domain] then return "refuse" end
  return nil
end

local mod = { decide = decide }

--- Hook roster_policy_subscribe: may req.from see the presence of req.to?
function mod:roster_policy_subscribe(req)
  local answer = decide(req.from, req.item)
  if not answer then return xmpp.CONT end -- no opinion: others may have one, or our user is asked
  if answer == "accept" then req:accept() else req:refuse() end
  return xmpp.DONE
end

xmpp.registerModule("roster_policy", mod)
return mod
