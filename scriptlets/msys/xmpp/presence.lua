--- msys.xmpp.presence: who is there, and who is told (RFC 6121 section 4).
-- Load with:  script "xmpp-presence" { source = "msys.xmpp.presence" }

require("msys.core")
local xmpp = require("msys.xmpp")
local xml = require("xml")
local roster_store = require("msys.xmpp.roster_store")
local subscription = require("msys.xmpp.subscription")
require("msys.xmpp.roster") -- presence without contact lists would reach nobody

local NS_DELAY = "urn:xmpp:delay"
local old_after = 60 -- seconds after which an answer to a probe says how old it is

local mod = { order = 110 } -- after msys.xmpp.roster, which takes the subscription stanzas

--- The last presence of a session, addressed to somebody.
local function presence_for(sess, to)
  local presence = sess:presence()
  presence:attr("to", to)
  local sent = sess:presence_time()
  if xmpp.now() - sent >= old_after and not presence:child("delay", NS_DELAY) then
    local delay = presence:addchild("delay", NS_DELAY)
    delay:attr("from", sess:jid():bare())
    delay:attr("stamp", xmpp.timestamp(sent))
  end
  return presence
end

--- Requests that wait for an answer are shown to each resource that comes (section 3.1.3).
local function show_pending_requests(sess, roster)
  for _, item in pairs(roster.items) do
    if item.pending then sess:send(xml.parsexml(item.pending):root()) end
  end
end

--- A resource has come: it learns of the others, and contacts are asked for theirs.
local function begin_session(sess, account, roster)
  local bare = account:jid()
  local own = sess:jid():get()
  for _, other in ipairs(account:available()) do
    if other:jid():get() ~= own then sess:send(presence_for(other, bare)) end
  end
  if roster.publishers:count() > 0 then
    xmpp.fan_out(xmpp.stanza("presence", { type = "probe", from = bare }), roster.publishers)
  end
  show_pending_requests(sess, roster)
end

--- Presence without `to`: for everybody who is subscribed, and for the own resources.
local function broadcast(sess, stanza)
  local account = sess:account()
  local roster, err = roster_store.load(account)
  if not roster then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  local begins = not sess:is_available()
  sess:set_presence(stanza)
  xmpp.fan_out(stanza, account:subscribers())
  account:send_to_available(stanza)
  if begins then begin_session(sess, account, roster) end
  return xmpp.CONT -- others (offline messages) go on with it
end

--- The resource goes: everybody who saw it is told (sections 4.5.2 and 4.6.3).
local function goodbye(sess, stanza)
  local account = sess:account()
  if sess:is_available() then
    local roster, err = roster_store.load(account)
    if roster then
      xmpp.fan_out(stanza, account:subscribers())
    else
      xmpp.reply_error(stanza, "internal-server-error", err)
    end
    account:send_to_available(stanza)
  end
  local subscribers = account:subscribers()
  for _, jid in ipairs(sess:take_directed()) do
    if not subscribers:has(xmpp.jid(jid):bare()) then
      local copy = stanza:clone()
      copy:attr("to", jid)
      xmpp.routeStanza(copy)
    end
  end
  sess:set_presence(stanza)
  return xmpp.CONT
end

function mod:client_presence_recv(sess, stanza)
  if stanza:attr("to") then return xmpp.CONT end -- directed: recorded and routed by the server
  local kind = stanza:attr("type")
  if kind == nil then return broadcast(sess, stanza) end
  if kind == "unavailable" then return goodbye(sess, stanza) end
  return xmpp.CONT
end

--- May the prober see this account's presence?
local function may_see(account, roster, from)
  if from:bare() == account:jid() then return true end
  local item = roster.items[from:bare()]
  return item ~= nil and subscription.gives(item.subscription)
end

--- A probe (section 4.3.2).
function mod:account_probe_recv(account, stanza)
  local roster, err = roster_store.load(account)
  if not roster then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  local from = xmpp.jid(stanza:attr("from"))
  local to = xmpp.jid(stanza:attr("to"))
  local function answer(kind, sender)
    xmpp.routeStanza(xmpp.stanza("presence", { type = kind, from = sender, to = from:get(),
                                               id = stanza:attr("id") }))
  end
  if not may_see(account, roster, from) then
    -- Section 4.6.6: who got directed presence may know that this one resource is there.
    for _, sess in ipairs(account:sessions()) do
      if sess:jid() == to and sess:has_directed(from:get()) then
        answer(nil, to:get())
        return xmpp.DONE
      end
    end
    answer("unsubscribed", account:jid())
    return xmpp.DONE
  end
  local available = account:available()
  for _, sess in ipairs(available) do
    if to:resource() == "" then
      xmpp.routeStanza(presence_for(sess, from:get()))
    elseif sess:jid() == to then
      answer(nil, to:get())
    end
  end
  if #available == 0 then answer("unavailable", account:jid()) end
  return xmpp.DONE
end

xmpp.registerModule("xmpp-presence", mod)
return mod
