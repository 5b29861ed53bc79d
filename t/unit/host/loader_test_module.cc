// Modules for loader_test; which one is chosen by TEST_MODULE when it is compiled.
#include "host/module/descriptor.h"

namespace impulse {
namespace {

class Idle final : public Module {
  Result<std::unique_ptr<Prepared>> prepare(std::shared_ptr<const config::Generation>) override {
    return std::unique_ptr<Prepared>();
  }
};

[[maybe_unused]] Result<std::unique_ptr<Module>> start(Host&) {
  return std::unique_ptr<Module>(std::make_unique<Idle>());
}

[[maybe_unused]] constexpr const char* kNeedsBase[] = {"base"};
[[maybe_unused]] constexpr const char* kNeedsBoth[] = {"base", "user"};
[[maybe_unused]] constexpr const char* kBridge[] = {"bridge"};
[[maybe_unused]] constexpr const char* kNeedsMissing[] = {"missing"};
[[maybe_unused]] constexpr const char* kNeedsRight[] = {"right"};
[[maybe_unused]] constexpr const char* kNeedsLeft[] = {"left"};

}  // namespace
}  // namespace impulse

#define MODULE_base 1
#define MODULE_user 2
#define MODULE_bridge 3
#define MODULE_old 4
#define MODULE_foreign 5
#define MODULE_lonely 6
#define MODULE_left 7
#define MODULE_right 8
#define MODULE_misnamed 9

#if TEST_MODULE == MODULE_base
IMPULSE_EXPORT int base_answer();
int base_answer() { return 42; }
IMPULSE_MODULE{.name = "base", .companions = impulse::kBridge, .start = impulse::start};
#elif TEST_MODULE == MODULE_user
// Does not even open before base is there.
int base_answer();
extern int (*const user_asks)();
int (*const user_asks)() = &base_answer;
IMPULSE_MODULE{.name = "user", .needs = impulse::kNeedsBase, .start = impulse::start};
#elif TEST_MODULE == MODULE_bridge
int base_answer();
extern int (*const bridge_asks)();
int (*const bridge_asks)() = &base_answer;
IMPULSE_MODULE{.name = "bridge", .needs = impulse::kNeedsBoth, .start = impulse::start};
#elif TEST_MODULE == MODULE_old
IMPULSE_MODULE{.abi = 0, .name = "old", .start = impulse::start};
#elif TEST_MODULE == MODULE_foreign
IMPULSE_MODULE{.build = "cc 1.0", .name = "foreign", .start = impulse::start};
#elif TEST_MODULE == MODULE_lonely
IMPULSE_MODULE{.name = "lonely", .needs = impulse::kNeedsMissing, .start = impulse::start};
#elif TEST_MODULE == MODULE_left
IMPULSE_MODULE{.name = "left", .needs = impulse::kNeedsRight, .start = impulse::start};
#elif TEST_MODULE == MODULE_right
IMPULSE_MODULE{.name = "right", .needs = impulse::kNeedsLeft, .start = impulse::start};
#elif TEST_MODULE == MODULE_misnamed
IMPULSE_MODULE{.name = "other", .start = impulse::start};
#endif
