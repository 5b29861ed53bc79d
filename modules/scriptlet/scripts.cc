// Finding and compiling scripts: by source name, in the directories given, as text only.
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

namespace {

struct Found {
  std::string path;
  std::string text;
  bool is_ours = false;
};

/// "a/b" and "a.b" are the same; the dots become directories, so no name leads out of one.
std::string module_name(std::string_view source) {
  std::string name(source);
  for (char& c : name) {
    if (c == '/') c = '.';
  }
  return name;
}

std::optional<Found> find_script(const StateParts& parts, std::string_view source,
                                 std::string* searched) {
  std::string relative(source);
  for (char& c : relative) {
    if (c == '.') c = '/';
  }
  for (const ScriptDirectory& directory : parts.settings.directories) {
    Found found{directory.path + "/" + relative + ".lua", {}, directory.is_ours};
    std::ifstream file(found.path, std::ios::binary);
    if (file) {
      found.text.assign(std::istreambuf_iterator<char>(file), {});
      if (!file.bad()) return found;
    }
    searched->append("\n\tno file '").append(found.path).append("'");
  }
  return std::nullopt;
}

/// LuaJIT is Lua 5.1; the original's dialect had more operators.
std::string with_hint(std::string text) {
  for (std::string_view sign : {"'!'", "'!='", "'&'", "'|'", "'^^'", "'<<'", "'>>'", "'\\'"}) {
    if (text.find("near " + std::string(sign)) == std::string::npos) continue;
    return text +
           " (scripts are Lua 5.1: write ~= for !=, bit.band, bit.bor, bit.bxor, "
           "bit.lshift, bit.rshift for operators on bits, math.floor(a / b) for \\)";
  }
  return text;
}

/// Leaves the compiled chunk on the stack. Only what comes with the server, or says jit = true,
/// is compiled to machine code: the budget does not interrupt that.
Result<void> compile(lua_State* lua, const Found& found, bool jit) {
  const std::string chunk = "@" + found.path;
  std::string_view text = found.text;
  if (text.starts_with("#")) text.remove_prefix(std::min(text.find('\n'), text.size()));
  if (luaL_loadbufferx(lua, text.data(), text.size(), chunk.c_str(), "t") != 0) {
    Error error{ErrorCode::kInvalid, with_hint(std::string(text_at(lua, -1)))};
    lua_pop(lua, 1);
    return error;
  }
  if (!found.is_ours && !jit) luaJIT_setmode(lua, -1, LUAJIT_MODE_ALLFUNC | LUAJIT_MODE_OFF);
  return {};
}

/// The searcher that require() uses: a function, or the reason why there is none.
int search(lua_State* lua) {
  const std::string_view source = check_text(lua, 1);
  bool has_failed = false;
  {
    std::string searched;
    const auto found = find_script(State::of(lua).parts(), source, &searched);
    if (!found) {
      push_text(lua, searched);
    } else if (auto compiled = compile(lua, *found, false); !compiled) {
      push_text(lua,
                "error loading module '" + std::string(source) + "':\n\t" + compiled.error().what);
      has_failed = true;
    }
  }
  return has_failed ? lua_error(lua) : 1;
}

/// What a script makes out of text runs interpreted, as the script does.
constexpr std::string_view kLoaders = R"(
local off = jit.off
local function interpreted(load)
  return function(...)
    local chunk, why = load(...)
    if chunk then off(chunk, true) end
    return chunk, why
  end
end
load, loadstring, loadfile = interpreted(load), interpreted(loadstring), interpreted(loadfile)
local loadfile, assert = loadfile, assert
function dofile(name) return assert(loadfile(name))() end
jit.on, debug.sethook = nil, nil -- both would switch the budget off
function os.exit() error("os.exit: a script must not end the server", 2) end
package.cpath, package.loadlib = "", nil
)";

}  // namespace

Result<void> open_scripts(lua_State* lua) {
  lua_getglobal(lua, "package");
  lua_getfield(lua, -1, "loaders");
  lua_pushcfunction(lua, &search);
  lua_rawseti(lua, -2, 2);
  for (int i = 3; i <= 4; ++i) {
    lua_pushnil(lua);
    lua_rawseti(lua, -2, i);
  }
  lua_pop(lua, 1);
  std::string path;
  for (const ScriptDirectory& directory : State::of(lua).parts().settings.directories) {
    if (!path.empty()) path += ';';
    path += directory.path + "/?.lua";
  }
  push_text(lua, path);
  lua_setfield(lua, -2, "path");
  lua_pop(lua, 1);
  return run_prelude(lua, kLoaders, "=scriptlet", 0, 0);
}

Result<void> State::load_script(const std::string& source, bool jit) {
  const std::string name = module_name(source);
  std::string searched;
  const auto found = find_script(*parts_, source, &searched);
  if (!found) {
    return Error{ErrorCode::kNotFound, "Unable to open '" + source + "':" + searched};
  }
  lua_getfield(lua_, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(lua_, -1, name.c_str());
  const bool is_loaded = lua_toboolean(lua_, -1) != 0;
  lua_pop(lua_, 1);
  if (!is_loaded) {
    if (auto compiled = compile(lua_, *found, jit); !compiled) {
      lua_pop(lua_, 1);
      return compiled;
    }
    push_text(lua_, name);
    if (auto called = protected_call(lua_, 1, 1); !called) {
      lua_pop(lua_, 1);
      return called;
    }
    if (lua_isnil(lua_, -1)) {
      lua_pop(lua_, 1);
      lua_pushboolean(lua_, 1);
    }
    lua_setfield(lua_, -2, name.c_str());
  }
  lua_pop(lua_, 1);
  return {};
}

}  // namespace impulse::scriptlet
