--- msys.xmpp.disco: service discovery (XEP-0030).
-- @xep 0030 2.5.0 complete for what is served here
-- Load with:  script "xmpp-disco" { source = "msys.xmpp.disco" }
--
-- What others add with xmpp.add_feature("server" | "account", namespace) is answered here.

require("msys.core")
local xmpp = require("msys.xmpp")
local xml = require("xml")
local roster_store = require("msys.xmpp.roster_store")
local subscription = require("msys.xmpp.subscription")

local NS_INFO = "http://jabber.org/protocol/disco#info"
local NS_ITEMS = "http://jabber.org/protocol/disco#items"

--- An answer with one identity and the features of a target.
local function info(target, category, kind, name)
  local query = xml.newnode("query", NS_INFO)
  local identity = query:addchild("identity")
  identity:attr("category", category)
  identity:attr("type", kind)
  if name then identity:attr("name", name) end
  for _, feature in ipairs(xmpp.features(target)) do
    query:addchild("feature"):attr("var", feature)
  end
  return query
end

--- Only the account itself and those who see its presence learn about it (XEP-0030 section 8).
-- @return true, or nil and a condition
local function may_ask(req)
  if req.session then return true end
  local roster, err = roster_store.load(req.account)
  if not roster then return nil, "internal-server-error", err end
  local item = roster.items[req.from:bare()]
  if item and subscription.gives(item.subscription) then return true end
  return nil, "service-unavailable"
end

local function server_info(req)
  if req.payload:attr("node") then return nil, "item-not-found" end
  return info("server", "server", "im", "Impulse")
end

local function server_items(req)
  if req.payload:attr("node") then return nil, "item-not-found" end
  return xml.newnode("query", NS_ITEMS)
end

local function account_info(req)
  local ok, condition, text = may_ask(req)
  if not ok then return nil, condition, text end
  if req.payload:attr("node") then return nil, "item-not-found" end
  return info("account", "account", "registered")
end

local function account_items(req)
  local ok, condition, text = may_ask(req)
  if not ok then return nil, condition, text end
  local node = req.payload:attr("node")
  local query = xml.newnode("query", NS_ITEMS)
  if node then query:attr("node", node) end
  return query
end

xmpp.register_iq("server", "get", NS_INFO, "query", server_info)
xmpp.register_iq("server", "get", NS_ITEMS, "query", server_items)
xmpp.register_iq("account", "get", NS_INFO, "query", account_info)
xmpp.register_iq("account", "get", NS_ITEMS, "query", account_items)
for _, target in ipairs({ "server", "account" }) do
  xmpp.add_feature(target, NS_INFO)
  xmpp.add_feature(target, NS_ITEMS)
end
