// Guard: makes a callback do nothing once its object has died.
#pragma once

#include <memory>
#include <utility>

namespace impulse {

/// Last member of an object that hands out `this` in callbacks. `wrap(fn)` gives a callable that
/// runs fn only while the Guard lives. Home: wrap, the call and the death happen on one loop.
class Guard {
 public:
  Guard() : alive_(std::make_shared<char>('\0')) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  template <class F>
  auto wrap(F fn) const {
    // Two owners: the Guard (strong) and each callback (weak), which outlives it at times.
    return [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)](auto&&... args) mutable {
      if (!alive.expired()) fn(std::forward<decltype(args)>(args)...);
    };
  }

 private:
  std::shared_ptr<char> alive_;
};

}  // namespace impulse
