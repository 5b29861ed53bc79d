// The module's heart: builds the states of a generation, swaps them in loop by loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/base/guard.h"
#include "host/host.h"
#include "modules/scriptlet/state_parts.h"

namespace impulse::scriptlet {

/// The states of one loop: the present one, and older ones in which coroutines still wait. Home.
class LoopStates {
 public:
  explicit LoopStates(event::Loop& loop) : loop_(loop) {}
  LoopStates(const LoopStates&) = delete;
  LoopStates& operator=(const LoopStates&) = delete;

  /// Puts `next` to work; the one before it goes away as soon as nothing in it waits, at the latest
  /// after `patience`.
  void replace(std::unique_ptr<State> next, std::chrono::seconds patience);
  /// The server stops: deinit() is called, no timer fires any more.
  void retire_present();
  State* present() const { return present_.get(); }
  std::size_t old_ones() const { return old_.size(); }

 private:
  struct Old {
    std::unique_ptr<State> state;
    event::Timer deadline;
  };
  void drop(State* state);

  event::Loop& loop_;
  std::unique_ptr<State> present_;
  std::vector<Old> old_;
  Guard guard_;
};

/// Loads scripts at each generation. Main thread.
class Manager : public Module, public Scriptlets {
 public:
  explicit Manager(Host& host);
  ~Manager() override;

  void add_library(Library& library) override { libraries_.push_back(&library); }
  void set_default_datasource(std::function<store::Datasource*()> find) override;

  Result<std::unique_ptr<Prepared>> prepare(
      std::shared_ptr<const config::Generation> next) override;
  void stop(std::function<void()> done) override;

  LoopStates& at(unsigned loop) { return *loops_[loop]; }

 private:
  struct Script {
    std::string name;
    std::string source;
    std::string place;  ///< "impulse.conf:12"
    bool jit = false;
  };
  class PreparedStates;
  Result<std::unique_ptr<State>> build(const StateOptions& options,
                                       const std::vector<Script>& scripts);

  Host& host_;
  log::Source log_;
  std::vector<Library*> libraries_;
  std::shared_ptr<const DefaultDatasource> default_datasource_;
  std::vector<std::unique_ptr<LoopStates>> loops_;
};

}  // namespace impulse::scriptlet
