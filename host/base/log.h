// The host's own log: leveled lines "what key=value ...", per module levels, reopened on request.
#pragma once

#include <atomic>
#include <charconv>
#include <concepts>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "host/base/result.h"

namespace impulse::log {

/// Severities of the original, low to high (reference: Debug_Flags).
enum class Level : int { kDebug = 0, kInfo, kNotice, kWarning, kError, kCritical };

/// "DEBUG", "INFO", ...; the way a level is written in configuration and in the log.
std::string_view name_of(Level level);
/// Parses a level in any case; kInvalid names the possible words.
Result<Level> parse_level(std::string_view text);

/// One key=value of a line. The value is escaped when written; bodies and secrets do not go here.
struct Field {
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, const std::string& v) : key(k), value(v) {}
  Field(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Field(std::string_view k, T v) : key(k) {
    auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
    value = std::string_view(digits, static_cast<std::size_t>(end - digits));
  }
  Field(const Field&) = delete;
  Field& operator=(const Field&) = delete;

  std::string_view key;
  std::string_view value;
  char digits[24] = {};
};

/// The name under which a module logs, with its own threshold (option `debug_level`). A static
/// or module-owned object; any thread.
class Source {
 public:
  /// `name` must outlive the source (a literal).
  explicit Source(std::string_view name, Level threshold = Level::kNotice);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::string_view name() const { return name_; }
  bool wants(Level level) const {
    return static_cast<int>(level) >= threshold_.load(std::memory_order_relaxed);
  }
  void set_threshold(Level level) {
    threshold_.store(static_cast<int>(level), std::memory_order_relaxed);
  }
  Level threshold() const { return static_cast<Level>(threshold_.load(std::memory_order_relaxed)); }

 private:
  std::string_view name_;
  std::atomic<int> threshold_;
};

/// The host's own source, for code that belongs to no module.
Source& host();

/// Sets the threshold of every source of that name; kNotFound lists the names there are. Any
/// thread.
Result<void> set_threshold(std::string_view name, Level level);
/// Calls `visit` with every source that lives. It must not make or destroy one. Any thread.
void for_each(const std::function<void(Source&)>& visit);

/// Writes one line: "2026-11-21T10:00:00.123Z LEVEL source what key=value ...". `what` is a fixed
/// word that can be searched in source and documentation; never a variable. A line ends at 4096
/// bytes at the latest ("..." at its end), so that it is written whole even into a pipe.
void write(const Source& source, Level level, std::string_view what,
           std::initializer_list<Field> fields);

/// Sends the log to `path` (appended, created 0640); empty = standard error. Any thread.
Result<void> open_file(const std::string& path);
/// Opens the same path anew, for log rotation (SIGHUP, `reopen logs`). Any thread.
Result<void> reopen();

}  // namespace impulse::log

/// LOG(log::host(), kInfo, "file_opened", {"path", path}): evaluates its fields only when wanted.
#define LOG(source, level, what, ...)                                                       \
  do {                                                                                      \
    if ((source).wants(::impulse::log::Level::level))                                       \
      ::impulse::log::write((source), ::impulse::log::Level::level, (what), {__VA_ARGS__}); \
  } while (0)
