// One thread's event loop over a libevent base: descriptors, timers, mailbox, end of turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/base/check.h"
#include "host/base/function.h"
#include "host/base/owned.h"
#include "host/event/mailbox.h"

struct event_base;
struct event;

namespace impulse::event {

class Loop;

/// Called once at the end of the loop turn in which it was enlisted (output is written then).
/// Intrusive, so that enlisting costs no memory. Home.
class EndOfTurn {
 public:
  virtual void end_of_turn() = 0;
  bool is_enlisted() const { return enlisted_; }

 protected:
  ~EndOfTurn() = default;  // an enlisted object must call Loop::withdraw() first

 private:
  friend class Loop;
  EndOfTurn* next_ = nullptr;
  EndOfTurn* previous_ = nullptr;
  bool enlisted_ = false;
};

/// A running timer; destroying it stops it. Home.
class Timer {
 public:
  Timer();
  Timer(Timer&&) noexcept;
  Timer& operator=(Timer&&) noexcept;
  ~Timer();
  bool is_running() const { return state_ != nullptr; }

 private:
  friend class Loop;
  struct State;
  explicit Timer(std::unique_ptr<State> state);
  void stop();
  std::unique_ptr<State> state_;
};

/// An event loop. Home, except where a member says "any thread".
class Loop {
 public:
  explicit Loop(unsigned index, std::string name);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Position in its group; the main loop comes after the others. Any thread.
  unsigned index() const { return index_; }
  const std::string& name() const { return name_; }
  /// The loop that runs on this thread, or nullptr. Any thread.
  static Loop* current();
  bool is_here() const { return current() == this; }

  /// Runs `task` on this loop, after all posted before it by the same thread. Any thread.
  void post(UniqueFunction<void()> task) { mailbox_.push(std::move(task)); }

  [[nodiscard]] Timer after(std::chrono::milliseconds delay, UniqueFunction<void()> fn);
  [[nodiscard]] Timer every(std::chrono::milliseconds period, UniqueFunction<void()> fn);

  /// Calls `object` once when this turn ends; enlisting twice is once.
  void enlist(EndOfTurn& object);
  void withdraw(EndOfTurn& object);

  /// Destroys `object` at the end of this turn: how something ends itself inside its own callback.
  template <class T>
  void destroy_later(std::unique_ptr<T> object) {
    destroy_at_end([o = std::move(object)]() mutable { o.reset(); });
  }

  /// Monotonic time, read once per turn. Milliseconds since an arbitrary start.
  std::uint64_t now_ms() const {
    if (time_is_stale_) refresh_time();
    return now_ms_;
  }

  event_base* base() { return base_; }

  /// Handles events until stop(); the calling thread becomes this loop's thread.
  void run();
  /// Any thread. What is in the mailbox before it is still done.
  void stop();

  /// A turn that takes longer is logged ("loop_turn_slow"); 0 = never. Before run().
  void set_slow_turn(std::chrono::milliseconds threshold);
  /// Destroys what was posted and not run, without running it. When no loop runs any more.
  void discard_posted();

 private:
  friend class LoopGroup;
  static void on_wake(int fd, short what, void* self);
  Timer make_timer(std::chrono::milliseconds delay, UniqueFunction<void()> fn, bool repeats);
  void refresh_time() const;
  void finish_turn();
  void bury();
  void destroy_at_end(UniqueFunction<void()> destroy);

  unsigned index_;
  std::string name_;
  event_base* base_;
  Mailbox mailbox_;
  ::event* wake_event_;
  EndOfTurn* first_ = nullptr;  // enlisted, in order
  EndOfTurn* last_ = nullptr;
  EndOfTurn* running_ = nullptr;  // what the present pass has yet to call
  std::vector<UniqueFunction<void()>> graveyard_;
  std::vector<UniqueFunction<void()>> dying_;  // what bury() works on; kept for its capacity
  mutable std::uint64_t now_ms_ = 0;
  mutable bool time_is_stale_ = true;  // set between turns: who asks first reads the clock
  bool stopping_ = false;
  std::uint64_t slow_turn_ms_;
};

/// The loops of the process: main() for the main thread and control; at(i) carry connections.
/// Made before the first module starts and not changed after. Any thread.
class LoopGroup {
 public:
  /// `count` 0 = one for each processor.
  explicit LoopGroup(unsigned count);
  ~LoopGroup();

  Loop& main() { return *main_; }
  unsigned size() const { return static_cast<unsigned>(loops_.size()); }
  Loop& at(unsigned index) { return *loops_[index]; }
  /// The home of a key: the same loop for the same key as long as the process lives.
  Loop& home(std::size_t hash) { return *loops_[hash % loops_.size()]; }

  /// Runs `fn` on the main loop once every loop has done all that was posted to it before this
  /// call. Main thread.
  void when_caught_up(UniqueFunction<void()> fn);

  /// Starts one thread per loop (not for main).
  void start();
  /// Stops and joins them. Main thread.
  void stop();

 private:
  std::unique_ptr<Loop> main_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

}  // namespace impulse::event

/// Asserts that a home object is touched on its own loop, or on a thread that runs none (while
/// starting and stopping); costs nothing in release builds.
#ifdef IMPULSE_DEBUG
#define IMPULSE_AT_HOME(loop) \
  IMPULSE_CHECK((loop).is_here() || ::impulse::event::Loop::current() == nullptr)
#else
#define IMPULSE_AT_HOME(loop) static_cast<void>(0)
#endif
