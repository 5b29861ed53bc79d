-- What luacheck may find in our Lua: LuaJIT and the names that scriptlets are given.
std = "luajit"
max_line_length = 110
read_globals = { "msys" }
files["t/lua"] = { globals = { "msys" } }
files["scriptlets/msys"] = { globals = { "msys" } }
-- `self` of a handler is the module itself, used or not.
self = false
