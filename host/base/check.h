// IMPULSE_CHECK: a broken invariant is our mistake; it ends the process with a message.
#pragma once

namespace impulse {
/// Prints the failed condition and its place to standard error, then aborts. Any thread.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace impulse

#define IMPULSE_CHECK(condition)                       \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::impulse::check_failed(#condition, __FILE__, __LINE__))
