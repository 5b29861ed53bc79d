// How a broken invariant ends the process.
#include "host/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace impulse {

void check_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "impulse: internal error: %s at %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace impulse
