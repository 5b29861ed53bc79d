--- The harness of t/lua: collects tests, runs each file with modules of its own, and counts.
-- A test file: local t = require("harness"); t.test("name", function() t.equal(...) end)

local harness = {}
local passed, failed = 0, 0

--- Shows a value, tables in a fixed order, so that two can be compared by what they show.
local function show(value)
  if type(value) ~= "table" then
    return type(value) == "string" and string.format("%q", value) or tostring(value)
  end
  local parts = {}
  for key, inner in pairs(value) do
    parts[#parts + 1] = "[" .. show(key) .. "] = " .. show(inner)
  end
  table.sort(parts)
  return "{ " .. table.concat(parts, ", ") .. " }"
end

--- Fails the test unless both are the same; tables are compared by their contents.
function harness.equal(found, expected, what)
  local is, wanted = show(found), show(expected)
  if is == wanted then return end
  error((what and what .. ": " or "") .. "found " .. is .. ", expected " .. wanted, 2)
end

--- Runs one test; an error in it is its failure.
function harness.test(name, fn)
  local ok, err = xpcall(fn, debug.traceback)
  if ok then
    passed = passed + 1
  else
    failed = failed + 1
    io.stderr:write("FAILED: ", name, "\n", err, "\n")
  end
end

--- Gives the test file a module in place of one that only the server has.
function harness.stub(name, module)
  package.loaded[name] = module
  return module
end

--- Runs the files named on the command line.
local function main(files)
  package.loaded.harness = harness
  local before = {}
  for name in pairs(package.loaded) do before[name] = true end
  for _, file in ipairs(files) do
    local count = passed + failed
    local ok, err = xpcall(function() dofile(file) end, debug.traceback)
    if ok and passed + failed == count then err = "it holds no test" end
    if err then
      failed = failed + 1
      io.stderr:write("FAILED: ", file, "\n", err, "\n")
    end
    for name in pairs(package.loaded) do
      if not before[name] then package.loaded[name] = nil end
    end
  end
  print(string.format("%d passed, %d failed", passed, failed))
  os.exit(failed == 0 and 0 or 1)
end

main(arg)
