// What a module's .so exports: magic, ABI, build signature, its part of the language, its start.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/config/generation.h"
#include "host/config/schema.h"
#include "host/module/hook.h"

namespace impulse {

class Host;

/// What a module has made ready for a new generation but not yet put into effect. Destroying it
/// without commit() leaves everything as it was.
class Prepared {
 public:
  virtual ~Prepared() = default;
  /// Puts it into effect; cannot fail. Main thread.
  virtual void commit() noexcept = 0;
};

/// A started module. Lives until the process ends. Main thread unless said otherwise.
class Module {
 public:
  virtual ~Module() = default;

  /// Makes ready all that `next` asks of this module (sockets bound, files opened, scripts
  /// compiled) without touching what runs. An error refuses the whole generation. Called at
  /// start-up, still with all privileges, and at each reload; in the order of `needs`.
  virtual Result<std::unique_ptr<Prepared>> prepare(
      std::shared_ptr<const config::Generation> next) = 0;

  /// The server is about to end: stop accepting, say good-bye, then call `done` once, on the main
  /// thread. Called in reverse order of start.
  virtual void stop(std::function<void()> done) { done(); }
};

inline constexpr std::uint32_t kModuleMagic = 0x494d504d;  // "IMPM"
inline constexpr std::uint32_t kModuleAbi = 1;
/// Compiler and options that change a layout; compared before anything else is looked at.
inline constexpr const char kBuildSignature[] = "g++ " __VERSION__
#ifdef __SANITIZE_ADDRESS__
                                                " asan"
#endif
#ifdef __SANITIZE_THREAD__
                                                " tsan"
#endif
    ;

/// What the only symbol that a module must export gives:
/// extern "C" const ModuleDescriptor* impulse_module().
struct ModuleDescriptor {
  std::uint32_t magic = kModuleMagic;
  std::uint32_t abi = kModuleAbi;
  const char* build = kBuildSignature;
  const char* name = nullptr;               ///< "mail_logger": its .so and its stanza
  const char* summary = nullptr;            ///< one line for `module list` and the manual
  bool singleton = true;                    ///< one stanza without a name, or several with names
  std::span<const char* const> needs = {};  ///< modules loaded and prepared before this one
  /// Modules to load as well once all of their own needs are there (mail and scriptlet give
  /// mail_lua), without a stanza.
  std::span<const char* const> companions = {};
  /// This module's part of the configuration language.
  config::SchemaPart (*schema)() = nullptr;
  /// Starts it. Called once, on the main thread, before the first prepare().
  Result<std::unique_ptr<Module>> (*start)(Host& host) = nullptr;
};

}  // namespace impulse

/// What is seen from other modules (all else is hidden by -fvisibility=hidden).
#define IMPULSE_EXPORT __attribute__((visibility("default")))
/// Defines the descriptor of a module: IMPULSE_MODULE { .name = "mail", ... };
/// The descriptor itself stays inside the module and a function gives it out: data of one name in
/// several modules would be one object to the dynamic linker.
#define IMPULSE_MODULE                                                                       \
  namespace {                                                                                \
  struct ImpulseModule {                                                                     \
    static const ::impulse::ModuleDescriptor descriptor;                                     \
  };                                                                                         \
  }                                                                                          \
  extern "C" IMPULSE_EXPORT const ::impulse::ModuleDescriptor* impulse_module();             \
  const ::impulse::ModuleDescriptor* impulse_module() { return &ImpulseModule::descriptor; } \
  const ::impulse::ModuleDescriptor ImpulseModule::descriptor
