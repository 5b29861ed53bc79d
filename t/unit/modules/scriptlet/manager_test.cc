// Tests of loading scripts: what refuses a configuration, what a reload replaces.
#include "modules/scriptlet/manager.h"

#include <future>
#include <thread>

#include "t/unit/modules/scriptlet/script_fixture.h"

namespace impulse::scriptlet {
namespace {

using testing::Test;
using Texts = std::vector<std::string>;

class Loading : public ScriptTest {};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Loading, SyntaxErrorNamesScriptFileAndLine) {
  const std::string why = refusal("local a = 1\nlocal b = = 2\n");
  EXPECT_TRUE(has(why, "test.conf:3: script \"test\"")) << why;
  EXPECT_TRUE(has(why, "refused.lua:2:")) << why;
}

TEST_F(Loading, OperatorsOfTheOldDialectAreExplained) {
  EXPECT_TRUE(has(refusal("if 1 != 2 then end"), "write ~= for !="));
}

TEST_F(Loading, MissingSourceIsRefusedWithThePlacesSearched) {
  const std::string why =
      refusal_of("scriptlet \"scriptlet\" { script \"x\" { source = \"policy.none\" } }");
  EXPECT_TRUE(has(why, "Unable to open 'policy.none'")) << why;
  EXPECT_TRUE(has(why, directory_ + "/ours/policy/none.lua")) << why;
}

TEST_F(Loading, ScriptWithoutSourceIsRefused) {
  EXPECT_TRUE(has(refusal_of("scriptlet \"scriptlet\" { script \"x\" { } }"), "source is missing"));
}

TEST_F(Loading, SecondInstanceNameIsRefused) {
  const std::string why = refusal_of("scriptlet \"a\" {}\nscriptlet \"b\" {}");
  EXPECT_TRUE(has(why, "test.conf:3")) << why;
  EXPECT_TRUE(has(why, "only one instance")) << why;
}

TEST_F(Loading, ErrorInTheMainChunkIsRefusedWithTraceback) {
  const std::string why = refusal("local function deep() error('no good') end\ndeep()");
  EXPECT_TRUE(has(why, "refused.lua:1: no good")) << why;
  EXPECT_TRUE(has(why, "stack traceback")) << why;
}

TEST_F(Loading, InitMustReturnTrue) {
  const std::string why =
      refusal("msys.registerModule('mine', { init = function() return false end })");
  EXPECT_TRUE(has(why, "init() of module \"mine\" returned false")) << why;
  EXPECT_EQ(refusal("msys.registerModule('mine', { init = function() return true end })"), "");
}

TEST_F(Loading, FailingInitIsRefused) {
  EXPECT_TRUE(
      has(refusal("msys.registerModule('mine', { init = function() error('bad day') end })"),
          "bad day"));
}

TEST_F(Loading, TwoModulesOfOneNameAreRefused) {
  EXPECT_TRUE(has(refusal("msys.registerModule('a', { x_y = print })\n"
                          "msys.registerModule('a', { x_y = print })"),
                  "there is a module \"a\" already"));
}

TEST_F(Loading, EndlessMainChunkIsRefused) {
  file("endless.lua", "while true do end");
  EXPECT_TRUE(has(refusal_of("scriptlet \"scriptlet\" { budget_ms = 50\n"
                             "script \"x\" { source = \"endless\" } }"),
                  "script ran too long"));
}

TEST_F(Loading, InitCannotWait) {
  EXPECT_TRUE(has(refusal("msys.sleep(0)"), "has to wait, which is not possible"));
}

TEST_F(Loading, ModuleWithoutMethodsIsWarnedAbout) {
  EXPECT_EQ(refusal("msys.registerModule('empty', { })"), "");
  EXPECT_TRUE(has(log_with("empty"), "no usable methods found for module empty"));
}

TEST_F(Loading, RequireFindsOnlyScriptsOfTheDirectories) {
  file("ours/msys/one.lua", "return { name = 'ours' }");
  file("msys/one.lua", "return { name = 'theirs' }");
  file("scripts/two.lua", "return 2");
  run("report(require('msys.one').name) report(require('two')) report(require('msys/one').name)\n"
      "report(pcall(require, 'posix')) report(package.cpath)");
  EXPECT_EQ(reports(5), (Texts{"theirs", "2", "theirs", "false", ""}));
}

TEST_F(Loading, ScriptPathIsSearchedFirst) {
  file("elsewhere/one.lua", "return 'first'");
  file("one.lua", "return 'second'");
  run("report(require('one'))", "script_path = ( \"" + directory_ + "/elsewhere\" )");
  EXPECT_EQ(reports(1), Texts{"first"});
}

TEST_F(Loading, BytecodeIsRefused) {
  file("code.lua", "\x1bLJ\x02");
  EXPECT_NE(refusal_of("scriptlet \"scriptlet\" { script \"x\" { source = \"code\" } }"), "");
}

TEST_F(Loading, ScriptThatAnotherRequiredRunsOnce) {
  file("shared.lua", "report('shared')");
  file("user.lua", "require('shared')");
  load(
      "scriptlet \"scriptlet\" { script \"a\" { source = \"user\" }\n"
      "script \"b\" { source = \"shared\" } }");
  EXPECT_EQ(reports(1), Texts{"shared"});
  EXPECT_EQ(library_.reports.wait(1).size(), 1u);
}

TEST_F(Loading, ReloadLetsTheWaitingCoroutineEndAndStopsTimers) {
  run("msys.registerModule('a', { x_y = print, deinit = function() report('deinit') end })\n"
      "msys.timer.after(0, function() report('old begins') msys.sleep(0.3) report('old ends') "
      "end)\n"
      "msys.timer.every(0.7, function() report('old timer') end)");
  EXPECT_EQ(reports(1), Texts{"old begins"});
  run("msys.timer.after(1, function() report('new') end)");
  EXPECT_EQ(reports(4), (Texts{"old begins", "deinit", "old ends", "new"}));
  std::promise<std::size_t> old_ones;
  loops_.at(0).post([&] { old_ones.set_value(manager().at(0).old_ones()); });
  EXPECT_EQ(old_ones.get_future().get(), 0u);
}

TEST_F(Loading, CoroutineOfAnOldConfigurationIsDroppedInTheEnd) {
  run("msys.timer.after(0, function() report('begins') msys.sleep(3) report('ends') end)",
      "script_ttl = 1");
  EXPECT_EQ(reports(1), Texts{"begins"});
  run("report('next')", "script_ttl = 1");
  EXPECT_TRUE(has(log_with("scriptlet_dropped"), "scriptlet_dropped"));
  EXPECT_EQ(reports(2), (Texts{"begins", "next"}));
}

TEST_F(Loading, RefusedConfigurationLeavesTheRunningOneAlone) {
  run("msys.timer.every(0.05, function() report('alive') end)");
  EXPECT_NE(refusal("error('no')"), "");
  const std::size_t before = reports(1).size();
  EXPECT_GT(reports(before + 2).size(), before + 1);
}

TEST_F(Loading, StopCallsDeinitAndAnswersOnce) {
  run("msys.registerModule('a', { deinit = function() report('deinit') return true end })");
  std::thread main([this] { loops_.main().run(); });
  std::promise<void> done;
  manager().stop([&] {
    done.set_value();
    loops_.main().stop();
  });
  main.join();
  done.get_future().get();
  EXPECT_EQ(reports(1), Texts{"deinit"});
}

}  // namespace
}  // namespace impulse::scriptlet
