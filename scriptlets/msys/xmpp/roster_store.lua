--- msys.xmpp.roster_store: a roster in memory and in the datasource (RFC 6121 section 2).
-- One row per contact, a JSON record:
--   { "name": ..., "groups": [...], "subscription": "both", "ask": true, "approved": true,
--     "listed": true, "pending_requests": { "subscribe": "<presence .../>" } }
-- `listed` is false for somebody who has only asked: such a contact is not in the roster that
-- clients see (section 3.1.3). The row "#version" counts the changes (section 2.6).

local json = require("json")
local store = require("msys.store")
local xmpp = require("msys.xmpp")
local subscription = require("msys.xmpp.subscription")

local STORE = "roster"
local VERSION_ROW = "#version"

local roster_store = {}

local function decode(text)
  local record = json.decode(text)
  if type(record) ~= "table" then return nil end
  local pending = type(record.pending_requests) == "table" and record.pending_requests.subscribe
  return {
    name = type(record.name) == "string" and record.name or nil,
    groups = type(record.groups) == "table" and record.groups or {},
    subscription = record.subscription or "none",
    ask = record.ask or nil,
    approved = record.approved or nil,
    listed = record.listed ~= false,
    pending = pending or nil,
  }
end

local function encode(item)
  return json.encode({
    name = item.name,
    groups = #item.groups > 0 and item.groups or nil,
    subscription = item.subscription,
    ask = item.ask,
    approved = item.approved,
    listed = item.listed,
    pending_requests = item.pending and { subscribe = item.pending } or nil,
  })
end

--- Brings the sets that presence uses into line with one item.
local function index(account, roster, jid, item)
  local gives = item and subscription.gives(item.subscription)
  local takes = item and subscription.takes(item.subscription)
  local subscribers = account:subscribers()
  if gives then subscribers:add(jid) else subscribers:remove(jid) end
  if takes then roster.publishers:add(jid) else roster.publishers:remove(jid) end
end

--- The roster of an account: { items = { [jid] = item }, version = n, count = n, publishers =
-- jidset of those whose presence we get }. Waits for the store the first time.
-- @return roster, or nil and an error
function roster_store.load(account)
  local roster = account.data.roster
  if roster then return roster end
  local rows, err = store.map_all(STORE, account:jid())
  if not rows then return nil, err end
  roster = { items = {}, version = 0, count = 0, publishers = xmpp.jidset() }
  for jid, text in pairs(rows) do
    if jid == VERSION_ROW then
      roster.version = tonumber(text) or 0
    else
      local item = decode(text)
      if item then
        roster.items[jid] = item
        roster.count = roster.count + 1
        index(account, roster, jid, item)
      end
    end
  end
  account.data.roster = roster
  return roster
end

--- Keeps a changed item (nil removes it), on disk first. The caller holds the account: nothing
-- else changes its roster meanwhile.
-- @return the new version, or nil and an error
function roster_store.save(account, jid, item)
  local roster, err = roster_store.load(account)
  if not roster then return nil, err end
  -- Never a number that was used before, also when the account is made anew.
  local version = math.max(roster.version, math.floor(xmpp.now())) + 1
  local ok
  ok, err = store.map_change(STORE, account:jid(), {
    [jid] = item and encode(item) or false,
    [VERSION_ROW] = tostring(version),
  })
  if not ok then return nil, err end
  if item and not roster.items[jid] then roster.count = roster.count + 1 end
  if not item and roster.items[jid] then roster.count = roster.count - 1 end
  roster.items[jid] = item
  roster.version = version
  index(account, roster, jid, item)
  return version
end

--- A copy to change; a fresh one for somebody who is not there yet.
function roster_store.draft(item)
  if not item then return { groups = {}, subscription = "none", listed = false } end
  local copy = {}
  for key, value in pairs(item) do copy[key] = value end
  return copy
end

--- Is there nothing left in an item that is worth keeping?
function roster_store.is_empty(item)
  return not item.listed and not item.pending and not item.approved
    and item.subscription == "none" and not item.ask
end

return roster_store
