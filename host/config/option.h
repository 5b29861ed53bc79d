// One row of an option table: the member gives the type, its initialiser gives the default.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/base/result.h"
#include "host/config/tree.h"

namespace impulse::config {

/// A number of bytes; written plain or with K, M, G ("64K").
struct Bytes {
  std::uint64_t count = 0;
  bool operator==(const Bytes&) const = default;
};
/// File permission bits, always written in octal (0660).
struct Mode {
  std::uint32_t bits = 0;
  bool operator==(const Mode&) const = default;
};
using Seconds = std::chrono::seconds;
using StringList = std::vector<std::string>;
/// Dictionary with lower-case keys.
using Dictionary = std::map<std::string, std::string>;

/// Types of scopes an option may stand in, as a set of stanza types: {"", "mail_listener",
/// "listen"}; "" is the global scope. "control_listener::listen" is a listen stanza directly in a
/// control_listener, and outranks the "listen" of another table there.
using Scopes = std::span<const std::string_view>;

/// Inclusive bounds for numbers, seconds and bytes.
struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
};

/// When a changed value takes effect.
enum class Apply {
  kLive,     ///< for what starts after the reload (new connections, next record)
  kRestart,  ///< after a restart; a reload that changes it logs a warning and succeeds
};

/// One option of the struct Opts. A table is `inline constexpr Option<Opts> kX[] = {...}`.
template <class Opts>
struct Option {
  using Member = std::variant<bool Opts::*, std::uint32_t Opts::*, std::uint64_t Opts::*,
                              Seconds Opts::*, Bytes Opts::*, Mode Opts::*, std::string Opts::*,
                              StringList Opts::*, Dictionary Opts::*>;
  std::string_view name;  ///< lower_snake_case; matched without regard to case
  Member member;
  Scopes scopes;          ///< where it may stand
  std::string_view help;  ///< one sentence with a full stop: meaning, unit, what 0 or "" means
  Range range = {};
  Apply apply = Apply::kLive;
  /// Strings: the permitted ones, any case. Numbers: words that stand for "no limit" beside the
  /// numbers ("-1"), stored as the range's most.
  std::span<const std::string_view> words = {};
};

/// A row with its struct type forgotten; what the schema, the checker and the manual work with.
struct OptionRow {
  std::string_view name;
  std::string_view type;     ///< "boolean", "number", "seconds", "bytes", "octal mode",
                             ///< "string", "list", "dictionary"
  std::string default_text;  ///< in configuration syntax
  Scopes scopes;
  std::string_view help;
  Range range;
  Apply apply = Apply::kLive;
  std::span<const std::string_view> words;
  /// Checks a value without keeping it; the error says what was found and what would be right.
  std::function<Result<void>(const Value&)> check;
  /// Stores the checked value into the struct `opts` (of the type the table was made for).
  std::function<void(void* opts, const Value&)> store;
};

/// May an option with these scopes stand in this stanza?
bool may_stand_in(Scopes scopes, const Node& node);

/// All rows of one options struct, and the title under which the manual shows them.
struct OptionTable {
  std::string_view title;  ///< "mail_listener"
  std::vector<OptionRow> rows;
};

/// Turns typed rows into a table, which keeps views of their names, scopes and help (literals).
/// Defined in option_table.h, which only option files include.
template <class Opts, std::size_t N>
OptionTable make_table(std::string_view title, const Option<Opts> (&rows)[N]);

}  // namespace impulse::config
