// Values of the configuration language to C++ values and back.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/config/option.h"
#include "host/config/tree.h"

namespace impulse::config {

/// What restricts a value; the part of an option's row that conversions look at.
struct Limits {
  Range range;
  std::span<const std::string_view> words;
};

/// Sets `out` from a value. The error is the second half of a sentence: "must be 0 to 7".
Result<void> convert(const Value& value, const Limits& limits, bool& out);
Result<void> convert(const Value& value, const Limits& limits, std::uint32_t& out);
Result<void> convert(const Value& value, const Limits& limits, std::uint64_t& out);
Result<void> convert(const Value& value, const Limits& limits, Seconds& out);
Result<void> convert(const Value& value, const Limits& limits, Bytes& out);
Result<void> convert(const Value& value, const Limits& limits, Mode& out);
Result<void> convert(const Value& value, const Limits& limits, std::string& out);
Result<void> convert(const Value& value, const Limits& limits, StringList& out);
Result<void> convert(const Value& value, const Limits& limits, Dictionary& out);

/// In configuration syntax, such that convert() gives the same again; strings in quotes.
std::string text_of(bool value);
std::string text_of(std::uint32_t value);
std::string text_of(std::uint64_t value);
std::string text_of(Seconds value);
std::string text_of(Bytes value);
std::string text_of(Mode value);
std::string text_of(const std::string& value);
std::string text_of(const StringList& value);
std::string text_of(const Dictionary& value);

/// A value as error texts show it: on one line, cut when it is long.
std::string shown(const Value& value);

/// The word under which the manual shows a type.
std::string_view type_name(const bool*);
std::string_view type_name(const std::uint32_t*);
std::string_view type_name(const std::uint64_t*);
std::string_view type_name(const Seconds*);
std::string_view type_name(const Bytes*);
std::string_view type_name(const Mode*);
std::string_view type_name(const std::string*);
std::string_view type_name(const StringList*);
std::string_view type_name(const Dictionary*);

}  // namespace impulse::config
