--- msys.xmpp.service: small services of the server: ping, version, time.
-- @xep 0199 2.0.1 complete
-- @xep 0092 1.1 complete
-- @xep 0202 2.0 complete
-- Load with:  script "xmpp-service" { source = "msys.xmpp.service" }

require("msys.core")
local xmpp = require("msys.xmpp")
local xml = require("xml")

local NS_PING = "urn:xmpp:ping"
local NS_VERSION = "jabber:iq:version"
local NS_TIME = "urn:xmpp:time"

local function ping() return true end

--- Name and version, not the operating system: that helps attackers more than users.
local function version()
  local query = xml.newnode("query", NS_VERSION)
  query:addchild("name"):contents("Impulse")
  query:addchild("version"):contents(xmpp.version)
  return query
end

--- The offset of local time from UTC as XEP-0082 writes it. Pure.
local function offset_text(seconds)
  local sign = seconds < 0 and "-" or "+"
  local minutes = math.floor(math.abs(seconds) / 60)
  return string.format("%s%02d:%02d", sign, math.floor(minutes / 60), minutes % 60)
end

local function time()
  local now = os.time()
  local utc = os.date("!*t", now)
  utc.isdst = os.date("*t", now).isdst
  local answer = xml.newnode("time", NS_TIME)
  answer:addchild("tzo"):contents(offset_text(os.difftime(now, os.time(utc))))
  answer:addchild("utc"):contents(xmpp.timestamp())
  return answer
end

for _, target in ipairs({ "server", "account" }) do
  xmpp.register_iq(target, "get", NS_PING, "ping", ping)
  xmpp.add_feature(target, NS_PING)
end
xmpp.register_iq("server", "get", NS_VERSION, "query", version)
xmpp.register_iq("server", "get", NS_TIME, "time", time)
xmpp.add_feature("server", NS_VERSION)
xmpp.add_feature("server", NS_TIME)
