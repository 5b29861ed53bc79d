// Going into the background: the parent waits until the child is ready or has failed.
#pragma once

#include <string_view>

#include "host/base/owned.h"

namespace impulse::daemon {

/// The child's end of the wait. One at a time; main thread.
class Background {
 public:
  /// Stays in the foreground: tell_ready() does nothing.
  Background() = default;

  /// Forks and begins a new session; returns in the child only. The parent ends with status 0 once
  /// the child is ready, else with 1 (the child has said why on standard error by then). Before
  /// the first thread is started.
  static Background fork_away();

  /// Releases the parent and the terminal.
  void tell_ready();

 private:
  UniqueFd to_parent_;
};

}  // namespace impulse::daemon
