// Builds the states of a generation, swaps them in loop by loop.
#include "modules/scriptlet/manager.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "host/config/generation.h"
#include "host/config/scope.h"
#include "host/module/module_options.h"
#include "host/module/services.h"

namespace impulse::scriptlet {

void LoopStates::replace(std::unique_ptr<State> next, std::chrono::seconds patience) {
  std::unique_ptr<State> before = std::exchange(present_, std::move(next));
  // The new one hooks up first, so that no stanza passes between the two.
  present_->attach(loop_);
  if (before == nullptr) return;
  State* old = before.get();
  old_.push_back(
      {std::move(before), loop_.after(patience, guard_.wrap([this, old] {
         LOG(old->log(), kWarning, "scriptlet_dropped",
             {"text", "a script of a replaced configuration waited too long and was dropped"});
         drop(old);
       }))});
  old->retire(guard_.wrap([this, old] { drop(old); }));
}

void LoopStates::drop(State* state) {
  const auto at = std::find_if(old_.begin(), old_.end(),
                               [state](const Old& o) { return o.state.get() == state; });
  if (at == old_.end()) return;
  // Its own coroutine may be what calls us.
  loop_.destroy_later(std::move(at->state));
  old_.erase(at);
}

void LoopStates::retire_present() {
  if (present_ != nullptr) present_->retire(nullptr);
}

Manager::Manager(Host& host)
    : host_(host), log_("scriptlet"), default_datasource_(std::make_shared<DefaultDatasource>()) {
  for (unsigned i = 0; i < host.loops.size(); ++i) {
    loops_.push_back(std::make_unique<LoopStates>(host.loops.at(i)));
  }
}

Manager::~Manager() = default;

void Manager::set_default_datasource(std::function<store::Datasource*()> find) {
  default_datasource_ = std::make_shared<const DefaultDatasource>(std::move(find));
}

/// States that were built but do not run yet.
class Manager::PreparedStates : public Prepared {
 public:
  PreparedStates(Manager& manager, std::chrono::seconds patience,
                 std::vector<std::unique_ptr<State>> states)
      : manager_(manager), patience_(patience), states_(std::move(states)) {}

  void commit() noexcept override {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      LoopStates& loop = *manager_.loops_[i];
      manager_.host_.loops.at(static_cast<unsigned>(i))
          .post([&loop, patience = patience_, state = std::move(states_[i])]() mutable {
            loop.replace(std::move(state), patience);
          });
    }
    states_.clear();
  }

 private:
  Manager& manager_;
  std::chrono::seconds patience_;
  std::vector<std::unique_ptr<State>> states_;
};

Result<std::unique_ptr<State>> Manager::build(const StateOptions& options,
                                              const std::vector<Script>& scripts) {
  auto state = std::make_unique<State>(host_, log_, options);
  if (auto opened = state->open(libraries_); !opened) return opened.error();
  for (const Script& script : scripts) {
    if (auto loaded = state->load_script(script.source, script.jit); !loaded) {
      return loaded.error().in(script.place + ": script \"" + script.name + "\"");
    }
  }
  if (auto finished = state->finish_loading(); !finished) return finished.error();
  return state;
}

Result<std::unique_ptr<Prepared>> Manager::prepare(std::shared_ptr<const config::Generation> next) {
  const config::Node& root = *next->root;
  const auto stanzas = root.all("scriptlet");
  if (stanzas.size() > 1) {
    return Error{ErrorCode::kInvalid,
                 stanzas[1]->place.text() + ": " + stanzas[1]->title() +
                     ": only one instance of scriptlet may be configured; put its scripts into " +
                     stanzas[0]->title() + " (" + stanzas[0]->place.text() + ")"};
  }
  StateOptions options;
  options.default_datasource = default_datasource_;
  std::vector<Script> scripts;
  bool is_on = false;
  if (!stanzas.empty()) {
    const config::Node& stanza = *stanzas[0];
    is_on = is_enabled(stanza);
    if (root.child("alerting") == nullptr) {
      LOG(log_, kWarning, "alerting_missing",
          {"text", "the stanza alerting {} is missing; the original refuses scriptlet without it"});
    }
    options.options = config::resolve<ScriptletOptions>(scriptlet_table(), {&stanza});
    for (const config::Node* node : stanza.all("script")) {
      const auto script = config::resolve<ScriptOptions>(script_table(), {node});
      if (script.source.empty()) {
        return Error{ErrorCode::kInvalid,
                     node->place.text() + ": " + node->title() + ": source is missing"};
      }
      scripts.push_back({node->name, script.source, node->place.text(), script.jit});
    }
  }
  if (!is_on) scripts.clear();

  for (const std::string& path : options.options.script_path) {
    options.directories.push_back({path});
  }
  std::string base = std::filesystem::path(next->file).parent_path().string();
  if (base.empty()) base = ".";
  for (const char* below : {"", "/scripts", "/policy"}) {
    options.directories.push_back({base + below});
  }
  options.directories.push_back({host_.scriptlet_directory, true});

  std::vector<std::unique_ptr<State>> states;
  for (unsigned i = 0; i < host_.loops.size(); ++i) {
    auto state = build(options, scripts);
    if (!state) return std::move(state).error();
    states.push_back(*std::move(state));
  }
  return std::unique_ptr<Prepared>(
      std::make_unique<PreparedStates>(*this, options.options.script_ttl, std::move(states)));
}

void Manager::stop(std::function<void()> done) {
  // Two owners and more: each loop's task. The last one that is through calls done on main.
  auto left = std::make_shared<std::atomic<std::size_t>>(loops_.size());
  auto finish = std::make_shared<std::function<void()>>(std::move(done));
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    host_.loops.at(static_cast<unsigned>(i)).post([this, i, left, finish] {
      loops_[i]->retire_present();
      if (left->fetch_sub(1) == 1) host_.loops.main().post([finish] { (*finish)(); });
    });
  }
}

}  // namespace impulse::scriptlet
