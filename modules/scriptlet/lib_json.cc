// The module json: lua-cjson with answers instead of errors.
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

/// cjson is found where Lua's C modules are installed, never in the working directory.
constexpr std::string_view kJson = R"(
package.path, package.cpath = "", package.cpath:gsub("%./%?%.so;?", "")
local found, cjson = pcall(require, "cjson")
if not found then
  error("the Lua module cjson is missing: install the Debian package lua-cjson", 0)
end
cjson = cjson.new()
local pcall, encode, decode = pcall, cjson.encode, cjson.decode
json = { null = cjson.null }

function json.encode(value)
  local ok, text = pcall(encode, value)
  if ok then return text end
  return nil, text
end

function json.decode(text)
  local ok, value = pcall(decode, text)
  if ok then return value end
  return nil, value
end

package.loaded.json = json
)";

}  // namespace

Result<void> open_json(lua_State* lua) { return run_prelude(lua, kJson, "=json", 0, 0); }

}  // namespace impulse::scriptlet
