--- msys.xmpp.roster: contact lists and presence subscriptions (RFC 6121 sections 2 and 3).
-- Load with:  script "xmpp-roster" { source = "msys.xmpp.roster" }
-- (msys.xmpp.presence loads it by itself.)
--
-- Policy has its own place beside this file: a script with a method
--   function mod:roster_policy_subscribe(req) ... end
-- is asked before somebody's request to see our user's presence is handled. req.from and req.to
-- are bare JIDs (text), req.account is the account, req.item what its roster says of req.from, or
-- nil. It may call req:refuse() (the request is denied), req:accept() (granted at once) or
-- req:ignore(), and answers xmpp.DONE then; xmpp.CONT leaves it to others.

require("msys.core")
local xmpp = require("msys.xmpp")
local xml = require("xml")
local subscription = require("msys.xmpp.subscription")
local roster_store = require("msys.xmpp.roster_store")

local NS_ROSTER = "jabber:iq:roster"

local max_items = 5000       -- contacts per account
local max_groups = 100       -- groups per contact
local max_text_bytes = 1023  -- of a name or of a group

local mod = { order = 100 }

-- Roster items as XML ----------------------------------------------------------------------------

--- The item element of a contact (section 2.1.2).
local function add_item(query, jid, item)
  local node = query:addchild("item")
  node:attr("jid", jid)
  node:attr("subscription", item.subscription)
  if item.name then node:attr("name", item.name) end
  if item.ask then node:attr("ask", "subscribe") end
  if item.approved then node:attr("approved", "true") end
  for _, group in ipairs(item.groups) do node:addchild("group"):contents(group) end
  return node
end

--- Tells all clients that asked for the roster what one contact is now (section 2.1.6).
local function push(account, jid, item, version)
  local iq = xmpp.stanza("iq", { type = "set", from = account:jid(), to = account:jid(),
                                 id = "push-" .. version })
  local query = iq:addchild("query", NS_ROSTER)
  query:attr("ver", tostring(version))
  if item and item.listed then
    add_item(query, jid, item)
  else
    local node = query:addchild("item")
    node:attr("jid", jid)
    node:attr("subscription", "remove")
  end
  account:send_to_interested(iq)
end

--- Checks and reads the item of a roster set (section 2.1.5).
-- Pure. @return { jid, name, groups, remove = bool }, or nil, condition, text
local function read_item(query)
  local item, count
  count = 0
  for child in query:children() do
    if child:name() == "item" then
      item = child
      count = count + 1
    end
  end
  if count ~= 1 then return nil, "bad-request", "A roster set holds exactly one item." end
  if not item:attr("jid") then return nil, "bad-request", "The item has no jid." end
  local jid = xmpp.jid(item:attr("jid"))
  if not jid then return nil, "jid-malformed", "The jid of the item is not an address." end
  local change = { jid = jid:get(), groups = {}, remove = item:attr("subscription") == "remove" }
  if change.remove then return change end
  change.name = item:attr("name")
  if change.name == "" then change.name = nil end
  if change.name and #change.name > max_text_bytes then
    return nil, "not-acceptable", "The name is longer than " .. max_text_bytes .. " bytes."
  end
  local seen = {}
  for child in item:children() do
    if child:name() == "group" then
      local group = child:contents()
      if group == "" then return nil, "not-acceptable", "A group has no name." end
      if #group > max_text_bytes then
        return nil, "not-acceptable", "A group is longer than " .. max_text_bytes .. " bytes."
      end
      if seen[group] then return nil, "bad-request", "A group is named twice." end
      seen[group] = true
      table.insert(change.groups, group)
    end
  end
  if #change.groups > max_groups then
    return nil, "not-acceptable", "More than " .. max_groups .. " groups."
  end
  return change
end

-- Get and set (section 2) ------------------------------------------------------------------------

local function get(req)
  if not req.session then return nil, "forbidden" end
  local roster, err = roster_store.load(req.account)
  if not roster then return nil, "internal-server-error", err end
  req.session:set_interested()
  if req.payload:attr("ver") == tostring(roster.version) then
    return true -- section 2.6.2: nothing has changed
  end
  local query = xml.newnode("query", NS_ROSTER)
  query:attr("ver", tostring(roster.version))
  for jid, item in pairs(roster.items) do
    if item.listed then add_item(query, jid, item) end
  end
  return query
end

--- Ends what is between the two when a contact is removed (section 2.5.2).
local function end_subscriptions(account, jid, item)
  local function send(kind)
    xmpp.routeStanza(xmpp.stanza("presence", { type = kind, from = account:jid(), to = jid }))
  end
  if subscription.gives(item.subscription) then
    for _, sess in ipairs(account:available()) do
      xmpp.routeStanza(xmpp.stanza("presence", { type = "unavailable",
                                                 from = sess:jid():get(), to = jid }))
    end
  end
  if subscription.takes(item.subscription) or item.ask then send("unsubscribe") end
  if subscription.gives(item.subscription) or item.pending then send("unsubscribed") end
end

local function remove(account, roster, jid)
  local item = roster.items[jid]
  if not item or not item.listed then return nil, "item-not-found" end
  local version, err = roster_store.save(account, jid, nil)
  if not version then return nil, "internal-server-error", err end
  end_subscriptions(account, jid, item)
  push(account, jid, nil, version)
  return true
end

local function set(req)
  if not req.session then return nil, "forbidden" end
  local change, condition, text = read_item(req.payload)
  if not change then return nil, condition, text end
  local account = req.account
  local roster, err = roster_store.load(account)
  if not roster then return nil, "internal-server-error", err end
  if change.remove then return remove(account, roster, change.jid) end
  if change.jid == account:jid() then
    return nil, "not-allowed", "Nobody is his own contact."
  end
  local old = roster.items[change.jid]
  if not old and roster.count >= max_items then
    return nil, "resource-constraint", "The roster holds " .. max_items .. " contacts already."
  end
  local item = roster_store.draft(old)
  item.name, item.groups, item.listed = change.name, change.groups, true
  local version
  version, err = roster_store.save(account, change.jid, item)
  if not version then return nil, "internal-server-error", err end
  push(account, change.jid, item, version)
  return true
end

-- Subscriptions (section 3) ----------------------------------------------------------------------

--- Current presence of each available resource goes to a contact that may see it now.
local function send_presence(account, jid)
  for _, sess in ipairs(account:available()) do
    local presence = sess:presence()
    presence:attr("to", jid)
    xmpp.routeStanza(presence)
  end
end

local function send_unavailable(account, jid)
  for _, sess in ipairs(account:available()) do
    xmpp.routeStanza(xmpp.stanza("presence", { type = "unavailable", from = sess:jid():get(),
                                               to = jid }))
  end
end

--- Keeps the new state of a contact, if it has one.
-- @return true when something changed; nil and an error when it could not be kept
local function change_state(account, jid, item, state)
  subscription.set_state(item, state)
  local kept = item
  if roster_store.is_empty(item) then kept = nil end
  local version, err = roster_store.save(account, jid, kept)
  if not version then return nil, err end
  return version
end

--- Our user sends subscribe, unsubscribe, subscribed or unsubscribed.
function mod:client_presence_recv(sess, stanza)
  local kind = stanza:attr("type")
  if not stanza:attr("to") or not subscription.is_type(kind) then return xmpp.CONT end
  local account = sess:account()
  local to = xmpp.jid(stanza:attr("to"))
  local jid = to:bare()
  if jid == account:jid() then return xmpp.DONE end -- one's own presence needs no subscription
  local roster, err = roster_store.load(account)
  if not roster then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  local old = roster.items[jid]
  local item = roster_store.draft(old)
  local cell = subscription.outbound(kind, subscription.state_of(old))
  local state = cell[1]
  local was_giving = subscription.gives(item.subscription)
  if kind == "subscribe" and not old and roster.count >= max_items then
    xmpp.reply_error(stanza, "resource-constraint")
    return xmpp.DONE
  end

  local approves = cell.approve and not item.approved
  local disapproves = item.approved and (cell.disapprove or kind == "unsubscribed")
  local version
  if state or approves or disapproves then
    if approves then item.approved = true end
    if disapproves then item.approved = nil end
    if kind == "subscribe" or kind == "subscribed" then item.listed = true end
    version, err = change_state(account, jid, item, state or subscription.state_of(item))
    if not version then
      xmpp.reply_error(stanza, "internal-server-error", err)
      return xmpp.DONE
    end
  end
  -- Section 3.2.2: unavailable while the contact may still see it, then the stanza, then the push.
  if was_giving and not subscription.gives(item.subscription) then send_unavailable(account, jid) end
  if cell.route then xmpp.routeStanza(stanza:clone()) end
  if version and (item.listed or (old and old.listed)) then push(account, jid, item, version) end
  if not was_giving and subscription.gives(item.subscription) then send_presence(account, jid) end
  return xmpp.DONE
end

local function reply(account, jid, kind)
  xmpp.routeStanza(xmpp.stanza("presence", { type = kind, from = account:jid(), to = jid }))
end

--- The contact asks to see our user's presence (section 3.1.3).
local function subscribe(account, jid, stanza, roster)
  local old = roster.items[jid]
  local item = roster_store.draft(old)
  local cell = subscription.inbound("subscribe", subscription.state_of(old))
  if cell.reply then return reply(account, jid, cell.reply) end

  local answer
  local req = { from = jid, to = account:jid(), account = account, item = old, stanza = stanza }
  function req.refuse() answer = "unsubscribed" end
  function req.accept() answer = "subscribed" end
  function req.ignore() answer = "ignored" end
  xmpp.run_hook("roster_policy_subscribe", req)
  if answer == "unsubscribed" then return reply(account, jid, answer) end
  if answer == "ignored" then return end

  if not old and roster.count >= max_items then
    return xmpp.reply_error(stanza, "resource-constraint")
  end
  if answer == "subscribed" or item.approved then
    local state = subscription.outbound("subscribed", cell[1] or subscription.state_of(old))[1]
    item.listed, item.approved = true, nil
    local version, err = change_state(account, jid, item, state)
    if not version then return xmpp.reply_error(stanza, "internal-server-error", err) end
    reply(account, jid, "subscribed")
    push(account, jid, item, version)
    return send_presence(account, jid)
  end

  if not cell[1] then return end -- asked already: one request is enough
  item.pending = stanza:tostring() -- the whole stanza: it is shown at each login until answered
  local version, err = change_state(account, jid, item, cell[1])
  if not version then return xmpp.reply_error(stanza, "internal-server-error", err) end
  account:send_to_available(stanza)
end

--- Somebody sends our user subscribe, unsubscribe, subscribed or unsubscribed.
function mod:account_subscription_recv(account, stanza)
  local roster, err = roster_store.load(account)
  if not roster then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  local kind = stanza:attr("type")
  local jid = xmpp.jid(stanza:attr("from")):bare()
  if jid == account:jid() then return xmpp.DONE end
  if kind == "subscribe" then
    subscribe(account, jid, stanza, roster)
    return xmpp.DONE
  end
  local old = roster.items[jid]
  local cell = subscription.inbound(kind, subscription.state_of(old))
  if not cell[1] then return xmpp.DONE end -- silently (sections 3.1.6, 3.2.3, 3.3.3)
  local item = roster_store.draft(old)
  local was_giving = subscription.gives(item.subscription)
  local version
  version, err = change_state(account, jid, item, cell[1])
  if not version then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  if cell.deliver then account:send_to_available(stanza) end
  if was_giving and not subscription.gives(item.subscription) then send_unavailable(account, jid) end
  if cell.reply then reply(account, jid, cell.reply) end
  if item.listed then push(account, jid, item, version) end
  return xmpp.DONE
end

xmpp.register_iq("account", "get", NS_ROSTER, "query", get)
xmpp.register_iq("account", "set", NS_ROSTER, "query", set)
xmpp.add_feature("stream", "ver urn:xmpp:features:rosterver")
xmpp.add_feature("stream", "sub urn:xmpp:features:pre-approval")
xmpp.add_feature("account", NS_ROSTER)
xmpp.registerModule("xmpp-roster", mod)

mod.read_item = read_item
return mod
