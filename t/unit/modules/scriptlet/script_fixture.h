// For tests of scripts: a host with loops, script files, and what the scripts report.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "host/aaa/password_store.h"
#include "host/config/parser.h"
#include "host/control/command.h"
#include "host/event/pool.h"
#include "host/host.h"
#include "host/module/module_options.h"
#include "host/module/services.h"
#include "host/net/listener.h"
#include "host/net/tls.h"
#include "host/store/datasource.h"
#include "modules/scriptlet/manager.h"

namespace impulse::scriptlet {

/// What scripts said with report(...), in order. Any thread.
class Reports {
 public:
  void add(std::string text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    changed_.notify_all();
  }
  /// All reports once there are `count` of them (or after a long time fewer).
  std::vector<std::string> wait(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return texts_.size() >= count; });
    return texts_;
  }

 private:
  std::mutex mutex_;  // guards the texts
  std::vector<std::string> texts_;
  std::condition_variable changed_;
};

/// Gives scripts report(text) and nest(function): a call from C++ within a call.
class TestLibrary : public Library {
 public:
  std::unique_ptr<Extension> open(State& state) override {
    lua_State* lua = state.lua();
    lua_pushlightuserdata(lua, &reports);
    lua_pushcclosure(lua, &report, 1);
    lua_setglobal(lua, "report");
    lua_pushcfunction(lua, &nest);
    lua_setglobal(lua, "nest");
    return std::make_unique<Extension>();
  }
  Reports reports;

 private:
  static int report(lua_State* lua) {
    lua_getglobal(lua, "tostring");
    lua_pushvalue(lua, 1);
    lua_call(lua, 1, 1);
    static_cast<Reports*>(lua_touserdata(lua, lua_upvalueindex(1)))
        ->add(std::string(text_at(lua, -1)));
    return 0;
  }
  static int nest(lua_State* lua) {
    Call call(State::of(lua));
    lua_pushvalue(lua, 1);
    lua_xmove(lua, call.stack(), 1);
    const Outcome outcome = call.start(0);
    if (outcome == Outcome::kWaits) call.then(nullptr);
    lua_pushboolean(lua, outcome == Outcome::kReturned ? 1 : 0);
    return 1;
  }
};

/// A directory of its own for each test, removed at its end.
class ScriptTest : public testing::Test {
 protected:
  explicit ScriptTest(unsigned loops = 1) : loops_(loops) {
    std::string pattern = testing::TempDir() + "scriptXXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    static_cast<void>(log::open_file(directory_ + "/log"));
    // As the loader does before any generation is read.
    static_cast<void>(schema_of(ModuleDescriptor{.name = "scriptlet", .schema = &schema}));
    host_.scriptlet_directory = directory_ + "/ours";
  }
  ~ScriptTest() override {
    stop_loops();
    static_cast<void>(log::open_file(""));
    std::filesystem::remove_all(directory_);
  }

  void stop_loops() {
    if (is_started_) loops_.stop();
    is_started_ = false;
  }
  void file(const std::string& name, const std::string& text) {
    const std::filesystem::path path = directory_ + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  /// A generation whose configuration is `text`.
  std::shared_ptr<const config::Generation> generation(const std::string& text) {
    config::Parsed parsed = config::parse_text("alerting {}\n" + text, "test.conf", directory_);
    EXPECT_TRUE(parsed.problems.empty());
    auto made = std::make_shared<config::Generation>();
    made->file = directory_ + "/test.conf";
    made->root = std::move(parsed.root);
    return made;
  }
  /// Puts a script to work; `options` go into the stanza.
  void run(const std::string& script, const std::string& options = "") {
    const std::string name = "script" + std::to_string(++scripts_);
    file(name + ".lua", script);
    load("scriptlet \"scriptlet\" { " + options + "\n script \"test\" { source = \"" + name +
         "\" } }");
  }
  void load(const std::string& configuration) {
    auto prepared = manager().prepare(generation(configuration));
    ASSERT_TRUE(prepared) << prepared.error().what;
    (*prepared)->commit();
    if (!is_started_) loops_.start();
    is_started_ = true;
  }
  /// Why a script is refused; "" when it is not.
  std::string refusal(const std::string& script) {
    file("refused.lua", script);
    return refusal_of("scriptlet \"scriptlet\" {\n script \"test\" { source = \"refused\" }\n}");
  }
  std::string refusal_of(const std::string& configuration) {
    auto prepared = manager().prepare(generation(configuration));
    return prepared ? "" : prepared.error().what;
  }
  std::vector<std::string> reports(std::size_t count) { return library_.reports.wait(count); }
  /// Waits until the log holds `word`, and answers it.
  std::string log_with(const std::string& word) {
    std::string text;
    for (int i = 0; i < 500; ++i) {
      std::ostringstream all;
      all << std::ifstream(directory_ + "/log").rdbuf();
      text = all.str();
      if (text.find(word) != std::string::npos) break;
      ::usleep(10'000);
    }
    return text;
  }
  Manager& manager() {
    if (manager_ == nullptr) {
      manager_ = std::make_unique<Manager>(host_);
      manager_->add_library(library_);
    }
    return *manager_;
  }

  std::string directory_;
  event::LoopGroup loops_;
  event::PoolSet pools_;
  net::ListenerSet listeners_;
  net::TlsContexts tls_;
  store::Datasources datasources_;
  aaa::PasswordStores passwords_;
  control::CommandTable commands_;
  Services services_;
  Host host_{.loops = loops_,
             .pools = pools_,
             .listeners = listeners_,
             .tls = tls_,
             .datasources = datasources_,
             .passwords = passwords_,
             .commands = commands_,
             .services = services_,
             .module_directory = {},
             .scriptlet_directory = {},
             .state_directory = {}};
  TestLibrary library_;
  std::unique_ptr<Manager> manager_;
  bool is_started_ = false;
  int scripts_ = 0;
};

}  // namespace impulse::scriptlet
