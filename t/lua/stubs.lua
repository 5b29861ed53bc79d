--- What the server gives its scripts, as far as their pure parts and their loading need it.

local t = require("harness")

local stubs = {}

--- A node made of tables: node("item", { jid = "a@b" }, { ns = "x", text = "..." }, child, ...).
function stubs.node(name, attributes, about, ...)
  local node, children = {}, { ... }
  about = about or {}
  function node.name() return name end
  function node.ns() return about.ns or "jabber:client" end
  function node.attr(_, key) return (attributes or {})[key] end
  function node.contents() return about.text or "" end
  function node.children()
    local i = 0
    return function()
      i = i + 1
      return children[i]
    end
  end
  function node.child(_, wanted, ns)
    for _, child in ipairs(children) do
      if child:name() == wanted and (not ns or child:ns() == ns) then return child end
    end
  end
  return node
end

--- An address whose localpart and domain must be letters, dots and digits.
local function jid(text)
  local bare, resource = text:match("^([^/]+)(.*)$")
  if not bare or not (bare:match("^[%w.]+@[%w.]+$") or bare:match("^[%w.]+$")) then
    return nil, "malformed"
  end
  local address = {}
  function address.get() return bare:lower() .. resource end
  function address.bare() return bare:lower() end
  return address
end

local function nothing() end

--- Puts the modules of the server in place, and returns msys.xmpp to look at what was registered.
function stubs.install()
  local xmpp = { CONT = 0, DONE = 1, jid = jid, register_iq = nothing, add_feature = nothing }
  xmpp.modules = {}
  function xmpp.registerModule(name, module) xmpp.modules[name] = module end
  t.stub("msys.core", {})
  t.stub("msys.xmpp", xmpp)
  t.stub("msys.store", {})
  t.stub("xml", {})
  t.stub("json", {})
  return xmpp
end

return stubs
