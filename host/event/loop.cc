// The event loop: turns, timers, what is done at the end of a turn.
#include "host/event/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "host/base/check.h"
#include "host/base/log.h"

namespace impulse::event {
namespace {

log::Source event_log("event");

thread_local Loop* current_loop = nullptr;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSlowTurnMs = 1000;  // sanitizers cost a factor of ten
#else
constexpr std::uint64_t kSlowTurnMs = 100;
#endif

std::uint64_t monotonic_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

event_base* make_base() {
  const Owned<event_config, &event_config_free> config(event_config_new());
  IMPULSE_CHECK(config != nullptr);
  // One thread per base, so libevent needs no locks; ours is the environment, not an operator's.
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config.get(), EVENT_BASE_FLAG_IGNORE_ENV);
  event_base* base = event_base_new_with_config(config.get());
  IMPULSE_CHECK(base != nullptr);
  return base;
}

timeval to_timeval(std::chrono::milliseconds delay) {
  const auto ms = std::max<std::chrono::milliseconds::rep>(delay.count(), 0);
  timeval result;
  result.tv_sec = static_cast<time_t>(ms / 1000);
  result.tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000);
  return result;
}

// Signals belong to the main thread; the names show in top and in a debugger.
void prepare_loop_thread(const std::string& name) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

struct Timer::State {
  State(UniqueFunction<void()> f, bool r) : fn(std::move(f)), repeats(r) {}
  ~State() { event_del(&event); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  static void on_timeout(int, short, void* self);

  ::event event = {};
  UniqueFunction<void()> fn;
  Timer* owner = nullptr;
  bool repeats;
  bool in_call = false;  // then the owner leaves the deleting to on_timeout
  bool orphaned = false;
};

void Timer::State::on_timeout(int, short, void* self) {
  auto* state = static_cast<State*>(self);
  if (current_loop != nullptr) static_cast<void>(current_loop->now_ms());  // the turn has begun
  if (!state->repeats) {
    // Taken from its owner first: inside fn the timer no longer runs, and may die or be set anew.
    const std::unique_ptr<State> mine = std::move(state->owner->state_);
    mine->fn();
    return;
  }
  state->in_call = true;
  state->fn();
  state->in_call = false;
  if (state->orphaned) delete state;
}

Timer::Timer() = default;

Timer::Timer(std::unique_ptr<State> state) : state_(std::move(state)) { state_->owner = this; }

Timer::Timer(Timer&& other) noexcept : state_(std::move(other.state_)) {
  if (state_ != nullptr) state_->owner = this;
}

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this == &other) return *this;
  stop();
  state_ = std::move(other.state_);
  if (state_ != nullptr) state_->owner = this;
  return *this;
}

Timer::~Timer() { stop(); }

void Timer::stop() {
  if (state_ == nullptr) return;
  if (state_->in_call) {
    event_del(&state_->event);
    state_->orphaned = true;
    static_cast<void>(state_.release());  // on_timeout deletes it
    return;
  }
  state_.reset();
}

Loop::Loop(unsigned index, std::string name)
    : index_(index), name_(std::move(name)), base_(make_base()), slow_turn_ms_(kSlowTurnMs) {
  wake_event_ = event_new(base_, mailbox_.wake_fd(), EV_READ | EV_PERSIST, &Loop::on_wake, this);
  IMPULSE_CHECK(wake_event_ != nullptr && event_add(wake_event_, nullptr) == 0);
}

Loop::~Loop() {
  // What still waits may hold timers and streams of this base: it goes first.
  discard_posted();
  event_free(wake_event_);
  event_base_free(base_);
}

Loop* Loop::current() { return current_loop; }

void Loop::on_wake(int, short, void* self) {
  // The letters themselves are read once per turn, in run().
  static_cast<Loop*>(self)->mailbox_.acknowledge();
}

Timer Loop::make_timer(std::chrono::milliseconds delay, UniqueFunction<void()> fn, bool repeats) {
  auto state = std::make_unique<Timer::State>(std::move(fn), repeats);
  const auto flags = static_cast<short>(repeats ? EV_PERSIST : 0);
  event_assign(&state->event, base_, -1, flags, &Timer::State::on_timeout, state.get());
  const timeval wait = to_timeval(delay);
  IMPULSE_CHECK(event_add(&state->event, &wait) == 0);
  return Timer(std::move(state));
}

Timer Loop::after(std::chrono::milliseconds delay, UniqueFunction<void()> fn) {
  return make_timer(delay, std::move(fn), false);
}

Timer Loop::every(std::chrono::milliseconds period, UniqueFunction<void()> fn) {
  return make_timer(std::max(period, std::chrono::milliseconds(1)), std::move(fn), true);
}

void Loop::enlist(EndOfTurn& object) {
  if (object.enlisted_) return;
  object.enlisted_ = true;
  object.next_ = nullptr;
  object.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &object;
  last_ = &object;
}

void Loop::withdraw(EndOfTurn& object) {
  if (!object.enlisted_) return;
  object.enlisted_ = false;
  if (object.previous_ != nullptr) {
    object.previous_->next_ = object.next_;
  } else {
    (running_ == &object ? running_ : first_) = object.next_;
  }
  if (object.next_ != nullptr) {
    object.next_->previous_ = object.previous_;
  } else if (last_ == &object) {
    last_ = object.previous_;
  }
  object.next_ = object.previous_ = nullptr;
}

void Loop::destroy_at_end(UniqueFunction<void()> destroy) {
  graveyard_.push_back(std::move(destroy));
}

void Loop::refresh_time() const {
  now_ms_ = monotonic_ms();
  time_is_stale_ = false;
}

void Loop::set_slow_turn(std::chrono::milliseconds threshold) {
  slow_turn_ms_ = static_cast<std::uint64_t>(threshold.count());
}

void Loop::discard_posted() {
  mailbox_.discard();
  bury();
}

void Loop::bury() {
  // Again until it stays empty: what dies may bury what it owns.
  while (!graveyard_.empty()) {
    std::swap(graveyard_, dying_);
    for (auto& destroy : dying_) destroy();
    dying_.clear();
  }
}

void Loop::finish_turn() {
  // One pass: who enlists meanwhile is called at the end of the next turn, which will not wait.
  running_ = std::exchange(first_, nullptr);
  last_ = nullptr;
  while (running_ != nullptr) {
    EndOfTurn& object = *running_;
    running_ = object.next_;
    if (running_ != nullptr) running_->previous_ = nullptr;
    object.next_ = nullptr;
    object.enlisted_ = false;
    object.end_of_turn();
  }
  bury();

  // A turn begins when its first callback asks for the time, which all of ours do.
  if (!time_is_stale_ && slow_turn_ms_ != 0) {
    const std::uint64_t took = monotonic_ms() - now_ms_;
    if (took > slow_turn_ms_) {
      LOG(event_log, kWarning, "loop_turn_slow", {"loop", name_}, {"ms", took});
    }
  }
  time_is_stale_ = true;
}

void Loop::run() {
  IMPULSE_CHECK(current_loop == nullptr);
  current_loop = this;
  // OpenSSL writes to its sockets with write(2), which knows no MSG_NOSIGNAL.
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);

  while (!stopping_) {
    const bool may_wait = first_ == nullptr && graveyard_.empty() && mailbox_.may_sleep();
    event_base_loop(base_, EVLOOP_ONCE | (may_wait ? 0 : EVLOOP_NONBLOCK));
    mailbox_.stay_awake();
    static_cast<void>(now_ms());
    mailbox_.drain();
    finish_turn();
  }
  stopping_ = false;
  current_loop = nullptr;
}

void Loop::stop() {
  post([this] { stopping_ = true; });
}

LoopGroup::LoopGroup(unsigned count) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<Loop>(i, "loop-" + std::to_string(i)));
  }
  main_ = std::make_unique<Loop>(count, "main");
}

LoopGroup::~LoopGroup() {
  stop();
  // What was posted dies while every loop still stands, for its destructors may post.
  for (auto& loop : loops_) loop->discard_posted();
  main_->discard_posted();
}

void LoopGroup::when_caught_up(UniqueFunction<void()> fn) {
  struct Round {
    std::size_t missing;
    UniqueFunction<void()> fn;
  };
  auto round = std::make_shared<Round>(Round{loops_.size(), std::move(fn)});  // owners: the tasks
  for (auto& loop : loops_) {
    loop->post([this, round] {
      main_->post([round] {
        if (--round->missing == 0) round->fn();
      });
    });
  }
}

void LoopGroup::start() {
  IMPULSE_CHECK(threads_.empty());
  for (auto& loop : loops_) {
    threads_.emplace_back([&loop = *loop]() noexcept {
      prepare_loop_thread(loop.name());
      loop.run();
    });
  }
}

void LoopGroup::stop() {
  if (threads_.empty()) return;
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace impulse::event
