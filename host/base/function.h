// UniqueFunction: a callable that moves and may own move-only things (std::function must copy).
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace impulse {

template <class Signature>
class UniqueFunction;

/// Holds one callable. Calling an empty one is our mistake. One at a time.
template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT: implicit
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> &&
           std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
      UniqueFunction(F&& callable)  // NOLINT: implicit
      : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(callable))) {}

  explicit operator bool() const noexcept { return body_ != nullptr; }
  R operator()(Args... args) { return body_->call(std::forward<Args>(args)...); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R call(Args... args) = 0;
  };
  template <class F>
  struct Body final : Base {
    template <class G>
    explicit Body(G&& callable) : f(std::forward<G>(callable)) {}
    R call(Args... args) override { return f(std::forward<Args>(args)...); }
    F f;
  };
  std::unique_ptr<Base> body_;
};

}  // namespace impulse
