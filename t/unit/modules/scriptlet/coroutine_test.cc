// Tests of running scripts: waiting, errors, limits.
#include "t/unit/modules/scriptlet/script_fixture.h"

namespace impulse::scriptlet {
namespace {

using Texts = std::vector<std::string>;

class Running : public ScriptTest {};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// What runs on the loop, once it runs.
std::string soon(const std::string& body) {
  return "msys.timer.after(0, function() " + body + " end)";
}

TEST_F(Running, SleepResumesWhereItLeft) {
  run(soon("local a = 'before' report(a) msys.sleep(0.01) report(a .. ' and after')"));
  EXPECT_EQ(reports(2), (Texts{"before", "before and after"}));
}

TEST_F(Running, OthersRunWhileOneSleeps) {
  run(soon("report('a1') msys.sleep(0.2) report('a2')") +
      "msys.timer.after(0.05, function() report('b') end)");
  EXPECT_EQ(reports(3), (Texts{"a1", "b", "a2"}));
}

TEST_F(Running, WaitingInsidePcallKeepsTheError) {
  run(soon("report(select(2, pcall(function() msys.sleep(0.01) error('late', 0) end)))"));
  EXPECT_EQ(reports(1), Texts{"late"});
}

TEST_F(Running, ErrorIsLoggedWithItsTraceback) {
  run("local function guilty() local x = nil; return x.field end\n" + soon("guilty()"));
  const std::string log = log_with("scriptlet_error");
  EXPECT_TRUE(has(log, "attempt to index")) << log;
  EXPECT_TRUE(has(log, "guilty")) << log;
  EXPECT_TRUE(has(log, "script1.lua:1")) << log;
}

TEST_F(Running, StateGoesOnAfterErrors) {
  run("for i = 1, 50 do msys.timer.after(0, function() error('x') end) end\n"
      "msys.timer.after(0.05, function() msys.sleep(0) report('fine') end)");
  EXPECT_EQ(reports(1), Texts{"fine"});
}

TEST_F(Running, EndlessLoopIsCutOff) {
  run(soon("report('in') while true do end") +
          "msys.timer.after(0.01, function() report('next') end)",
      "budget_ms = 50");
  EXPECT_EQ(reports(2), (Texts{"in", "next"}));
  EXPECT_TRUE(has(log_with("ran too long"), "script ran too long"));
}

TEST_F(Running, PcallDoesNotSaveAnEndlessLoop) {
  run(soon("while true do pcall(function() while true do end end) end") +
          "msys.timer.after(0.01, function() report('next') end)",
      "budget_ms = 50");
  EXPECT_EQ(reports(1), Texts{"next"});
}

TEST_F(Running, TextCompiledByAScriptIsCutOffToo) {
  run(soon("loadstring('local n = 0 while true do n = n + 1 end')()") +
          "msys.timer.after(0.01, function() report('next') end)",
      "budget_ms = 50");
  EXPECT_EQ(reports(1), Texts{"next"});
}

TEST_F(Running, BudgetCountsOnlyFromTheLastWait) {
  run(soon("for i = 1, 8 do local n = 0; for k = 1, 100000 do n = n + k end msys.sleep(0) end "
           "report('done')"),
      "budget_ms = 30");
  EXPECT_EQ(reports(1), Texts{"done"});
}

TEST_F(Running, MemoryLimitRaisesAndIsOverAfterwards) {
  run(soon("local t = {} for i = 1, 1e7 do t[i] = ('x'):rep(1000) .. i end") +
          "msys.timer.after(0.3, function() local s = ('y'):rep(100000) report(#s) end)",
      "memory_limit = 16M");
  EXPECT_EQ(reports(1), Texts{"100000"});
  EXPECT_TRUE(has(log_with("not enough memory"), "not enough memory"));
}

TEST_F(Running, WaitingIsRefusedInsideOwnCoroutinesAndCFunctions) {
  run(
      soon("local co = coroutine.create(function() msys.sleep(0) end) "
           "report(select(2, coroutine.resume(co))) "
           "report(select(2, pcall(string.gsub, 'a', 'a', function() msys.sleep(0) end))) "
           "report(msys.asyncOk())"));
  const Texts all = reports(3);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(has(all[0], "inside a coroutine that the script made")) << all[0];
  EXPECT_TRUE(has(all[1], "another C function")) << all[1];
  EXPECT_EQ(all[2], "true");
}

TEST_F(Running, BareYieldIsAnError) {
  run(soon("coroutine.yield()") + soon("report('next')"));
  EXPECT_EQ(reports(1), Texts{"next"});
  EXPECT_TRUE(has(log_with("coroutine.yield"), "coroutine.yield called outside"));
}

TEST_F(Running, CallsWithinCallsEndAtALimit) {
  run("local depth = 0\nlocal function down() depth = depth + 1 nest(down) end\n" +
      soon("down() report(depth)"));
  EXPECT_EQ(reports(1), Texts{"16"});
}

TEST_F(Running, CompiledLoopsSurviveCallsWithinCalls) {
  file("hot.lua",
       "local function inner() local n = 0 for i = 1, 300 do n = n + i end return n end\n"
       "msys.timer.after(0, function()\n"
       "  local sum = 0\n"
       "  for i = 1, 3000 do nest(inner) sum = sum + i % 7 + inner() end\n"
       "  report(sum)\n"
       "end)");
  load("scriptlet \"scriptlet\" { script \"hot\" { source = \"hot\" jit = true } }");
  EXPECT_EQ(reports(1), Texts{"135458998"});
}

TEST_F(Running, NestedWaitDoesNotStopTheOuterCall) {
  run(soon("nest(function() msys.sleep(0.02) report('inner') end) report('outer')"));
  EXPECT_EQ(reports(2), (Texts{"outer", "inner"}));
}

TEST_F(Running, TimersStopAndRepeat) {
  run("local n = 0\nlocal t\nt = msys.timer.every(0.01, function()\n"
      "  n = n + 1 if n == 3 then report(t:stop()) report(n) end\nend, 'ticker')\n"
      "report(t:name())\n"
      "local never = msys.timer.after(0.05, function() report('never') end)\n"
      "msys.timer.at(os.time() - 5, function() never:stop() end)\n"
      "msys.timer.after(0.2, function() report('end') end)");
  EXPECT_EQ(reports(4), (Texts{"ticker", "true", "3", "end"}));
}

TEST_F(Running, PrintIsAlwaysLogged) {
  run("print('hello', 1, nil, true)");
  const std::string log = log_with("scriptlet_print");
  EXPECT_TRUE(has(log, "hello")) << log;
  EXPECT_TRUE(has(log, "true")) << log;
}

TEST_F(Running, JsonAnswersInsteadOfRaising) {
  run("report(json.encode({ a = 1 })) report(json.decode('[1,2]')[2])\n"
      "local value, err = json.decode('{')\nreport(value) report(err ~= nil)\n"
      "report(json.encode(print)) report(require('json') == json)\n"
      "report(json.decode('null') == json.null)");
  EXPECT_EQ(reports(7), (Texts{"{\"a\":1}", "2", "nil", "true", "nil", "true", "true"}));
}

TEST_F(Running, Base64OfRfc4648Section10) {
  run("local b = require('msys.base64')\n"
      "for _, s in ipairs { '', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar' } do\n"
      "  report(b.encode(s)) assert(b.decode(b.encode(s)) == s) end\n"
      "report(b.decode('Zg=')) report(b.decode('Z')) report(b.decode('Z!==')) "
      "report(b.decode('Zg==Zg=='))");
  EXPECT_EQ(reports(11), (Texts{"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy",
                                "nil", "nil", "nil", "nil"}));
}

TEST_F(Running, ScriptsCannotEndTheServerOrSwitchLimitsOff) {
  run("report(pcall(os.exit)) report(debug.sethook) report(jit.on) report(package.loadlib)");
  EXPECT_EQ(reports(4), (Texts{"false", "nil", "nil", "nil"}));
}

TEST_F(Running, ReadfileTellsWhatFailed) {
  file("words.txt", "two words");
  run("report(msys.readfile('" + directory_ +
      "/words.txt'))\n"
      "report(select(2, msys.readfile('" +
      directory_ + "/none')))");
  const Texts all = reports(2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], "two words");
  EXPECT_TRUE(has(all[1], "cannot open"));
}

TEST_F(Running, LevelsAndConstants) {
  run("local core = require('msys.core')\nreport(core.CONT .. core.DONE .. core.LOG_ERROR)\n"
      "msys.log(core.LOG_CRITICAL, 'the end is near') report(pcall(msys.log, 9, 'x'))");
  EXPECT_EQ(reports(2), (Texts{"014", "false"}));
  EXPECT_TRUE(has(log_with("the end is near"), "CRITICAL"));
}

}  // namespace
}  // namespace impulse::scriptlet
