--- msys.xmpp.offline: messages for those who are not there (RFC 6121 section 8.5.2.2, XEP-0160).
-- @xep 0160 1.0.1 complete
-- Load with:  script "xmpp-offline" { source = "msys.xmpp.offline" }

require("msys.core")
local xmpp = require("msys.xmpp")
local xml = require("xml")
local store = require("msys.store")

local STORE = "offline"
local NS_DELAY = "urn:xmpp:delay"          -- XEP-0203
local NS_HINTS = "urn:xmpp:hints"          -- XEP-0334
local NS_RECEIPTS = "urn:xmpp:receipts"    -- XEP-0184

local max_messages = 1000 -- kept per account

local mod = { order = 120 } -- after msys.xmpp.presence: contacts hear of us before we read

--- Is there something in it that its reader will want later? Chat states mean nothing by then.
local function has_content(stanza)
  if stanza:child("store", NS_HINTS) then return true end
  local body = stanza:child("body")
  if body and body:contents() ~= "" then return true end
  return (stanza:child("subject") or stanza:child("received", NS_RECEIPTS)) ~= nil
end

--- Is this worth keeping? Pure.
-- (no-permanent-store speaks of archives: what waits for its reader is not one.)
-- @return "keep"; "drop" for what has no meaning later; or "refuse", so that its sender knows
local function verdict(stanza)
  if not has_content(stanza) then return "drop" end
  if stanza:child("no-store", NS_HINTS) then return "refuse" end
  return "keep"
end

--- Nobody is there to take a message: it is on disk before the next stanza is looked at.
function mod:account_message_offline(account, stanza)
  local what = verdict(stanza)
  if what == "drop" then return xmpp.DONE end
  if what == "refuse" then return xmpp.CONT end
  local count, err = store.archive_count(STORE, account:jid())
  if not count then
    xmpp.reply_error(stanza, "internal-server-error", err)
    return xmpp.DONE
  end
  if count >= max_messages then return xmpp.CONT end -- service-unavailable, as without storage
  local kept = stanza:clone()
  local delay = kept:addchild("delay", NS_DELAY)
  delay:attr("from", xmpp.jid(account:jid()):domain())
  delay:attr("stamp", xmpp.timestamp())
  delay:contents("Offline storage")
  local id
  id, err = store.archive_append(STORE, account:jid(), {
    peer = xmpp.jid(stanza:attr("from")):bare(),
    tag = stanza:attr("id") or "",
    body = kept:tostring(),
  })
  if not id then xmpp.reply_error(stanza, "internal-server-error", err) end
  return xmpp.DONE
end

--- Hands over what was kept, in order. New messages wait meanwhile: the account is ours.
local function hand_over(sess, owner)
  local entries, err = store.archive_find(STORE, owner, {})
  if not entries then
    msys.log(msys.core.LOG_ERROR, "offline messages of " .. owner .. " cannot be read: " .. err)
    return
  end
  if #entries == 0 then return end
  for _, entry in ipairs(entries) do sess:send(xml.parsexml(entry.body):root()) end
  local deleted
  deleted, err = store.archive_delete(STORE, owner, entries[#entries].id)
  if not deleted then
    msys.log(msys.core.LOG_ERROR, "offline messages of " .. owner .. " may come twice: " .. err)
  end
end

--- The first presence of a session that takes messages (priority not negative) brings them.
function mod:client_presence_recv(sess, stanza)
  if stanza:attr("to") or stanza:attr("type") or sess.data.has_offline then return xmpp.CONT end
  local priority = stanza:child("priority")
  if priority and (tonumber(priority:contents()) or 0) < 0 then return xmpp.CONT end
  sess.data.has_offline = true
  hand_over(sess, sess:account():jid())
  return xmpp.CONT
end

xmpp.add_feature("server", "msgoffline")
xmpp.registerModule("xmpp-offline", mod)

mod.verdict = verdict
return mod
