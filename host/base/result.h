// Result<T> and Error: how every fallible call of the host answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/base/check.h"

namespace impulse {

/// What kind of failure it was, for code that must decide; people read Error::what.
enum class ErrorCode {
  kInvalid,      ///< the input is wrong; the text says what would be right
  kNotFound,     ///< there is no such thing
  kExists,       ///< there is one already
  kDenied,       ///< not allowed
  kUnavailable,  ///< the world (disk, database, peer) failed; trying again may help
  kTooBig,       ///< over a limit
  kTimeout,      ///< took too long
  kClosed,       ///< the other side, or we, are shutting down
};

/// A failure of the world or of an input: a code and a sentence. Regular value; any thread.
struct Error {
  ErrorCode code = ErrorCode::kInvalid;
  std::string what;

  /// The same failure with its place in front: Error{"no such file"}.in("include 'x.conf'").
  [[nodiscard]] Error in(std::string_view place) && {
    what.insert(0, ": ").insert(0, place);
    return std::move(*this);
  }
  [[nodiscard]] Error in(std::string_view place) const& { return Error(*this).in(place); }
  bool operator==(const Error&) const = default;
};

/// Either a T or an Error; std::expected's names, which g++ 12 lacks in C++20.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// The value; calling it on an error is our mistake and aborts.
  T& value() & { return checked(); }
  T&& value() && { return std::move(checked()); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T& operator*() & { return checked(); }
  T&& operator*() && { return std::move(checked()); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &checked(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return *error_pointer(); }
  Error&& error() && { return std::move(*const_cast<Error*>(error_pointer())); }

  T value_or(T other) && { return has_value() ? std::move(checked()) : std::move(other); }

 private:
  T& checked() {
    IMPULSE_CHECK(has_value());
    return *std::get_if<0>(&state_);
  }
  const Error* error_pointer() const {
    IMPULSE_CHECK(!has_value());
    return std::get_if<1>(&state_);
  }
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const noexcept { return !error_; }
  explicit operator bool() const noexcept { return has_value(); }
  const Error& error() const& {
    IMPULSE_CHECK(error_.has_value());
    return *error_;
  }
  Error&& error() && {
    IMPULSE_CHECK(error_.has_value());
    return std::move(*error_);
  }

 private:
  std::optional<Error> error_;
};

}  // namespace impulse
