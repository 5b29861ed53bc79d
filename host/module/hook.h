// Hook: a typed, named chain of handlers; each answers CONT or DONE.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace impulse {

/// What a handler answers: continue with the next one, or "handled, stop".
enum class HookAnswer { kCont, kDone };

/// Undoes something when destroyed: a registration, a listener, a command. Move-only.
class Registration {
 public:
  Registration() = default;
  explicit Registration(std::function<void()> undo) : undo_(std::move(undo)) {}
  Registration(Registration&& other) noexcept : undo_(std::exchange(other.undo_, nullptr)) {}
  Registration& operator=(Registration&& other) noexcept {
    if (this != &other) {
      release();
      undo_ = std::exchange(other.undo_, nullptr);
    }
    return *this;
  }
  ~Registration() { release(); }

 private:
  void release() {
    if (undo_) std::exchange(undo_, nullptr)();
  }
  std::function<void()> undo_;
};
using Registrations = std::vector<Registration>;

/// A chain of handlers for one moment. Built on the main thread while nothing runs through it, or
/// owned by one loop; then called on that loop. Lower `order` runs first; equal order as added.
template <class... Args>
class Hook {
 public:
  using Handler = std::function<HookAnswer(Args...)>;
  explicit Hook(std::string_view name) : name_(name) {}

  std::string_view name() const { return name_; }
  bool empty() const { return handlers_.empty(); }

  [[nodiscard]] Registration add(Handler handler, int order = 0) {
    const std::uint64_t id = ++next_id_;
    auto at = std::upper_bound(handlers_.begin(), handlers_.end(), order,
                               [](int o, const Entry& e) { return o < e.order; });
    handlers_.insert(at, Entry{order, id, std::move(handler)});
    return Registration(
        [this, id] { std::erase_if(handlers_, [id](const Entry& e) { return e.id == id; }); });
  }

  /// Calls the handlers in order until one is done with it.
  HookAnswer run(Args... args) const {
    for (const Entry& e : handlers_) {
      if (e.handler(args...) == HookAnswer::kDone) return HookAnswer::kDone;
    }
    return HookAnswer::kCont;
  }

 private:
  struct Entry {
    int order;
    std::uint64_t id;
    Handler handler;
  };
  std::string_view name_;
  std::vector<Entry> handlers_;
  std::uint64_t next_id_ = 0;
};

}  // namespace impulse
