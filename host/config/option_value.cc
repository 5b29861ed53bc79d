// Values of the configuration language to C++ values and back.
#include "host/config/option_value.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "host/base/text.h"

namespace impulse::config {
namespace {

constexpr std::uint32_t kAllModeBits = 07777;
constexpr std::uint64_t kMostSeconds =
    static_cast<std::uint64_t>(std::numeric_limits<Seconds::rep>::max());

Error must_be(std::string text) { return Error{ErrorCode::kInvalid, "must be " + std::move(text)}; }

std::string range_text(const Limits& limits, std::string_view unit) {
  std::string out = std::to_string(limits.range.least) + " to " + std::to_string(limits.range.most);
  for (std::string_view word : limits.words) out += " or " + std::string(word);
  if (!unit.empty()) out += " (" + std::string(unit) + ")";
  return out;
}

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return text::equal_any_case(text, word); });
}

/// A number within the limits; `scale` multiplies what was written.
Result<std::uint64_t> number(const Value& value, const Limits& limits, std::string_view unit,
                             std::string_view digits, std::uint64_t scale = 1) {
  if (value.kind != Value::Kind::kScalar) return must_be("one number: " + range_text(limits, unit));
  if (is_one_of(value.scalar, limits.words)) return limits.range.most;
  const auto count = text::parse_number<std::uint64_t>(digits);
  if (!count || *count > std::numeric_limits<std::uint64_t>::max() / scale ||
      *count * scale < limits.range.least || *count * scale > limits.range.most) {
    return must_be(range_text(limits, unit));
  }
  return *count * scale;
}

/// 1024, 1024^2, 1024^3 for a trailing K, M, G; else 1.
std::uint64_t scale_of(std::string_view text) {
  if (text.empty()) return 1;
  switch (text::lower(text.back())) {
    case 'k':
      return 1ULL << 10;
    case 'm':
      return 1ULL << 20;
    case 'g':
      return 1ULL << 30;
    default:
      return 1;
  }
}

}  // namespace

Result<void> convert(const Value& value, const Limits&, bool& out) {
  static constexpr std::string_view kTrue[] = {"true", "on", "yes", "enabled", "1"};
  static constexpr std::string_view kFalse[] = {"false", "off", "no", "disabled", "0"};
  const bool is_scalar = value.kind == Value::Kind::kScalar;
  const bool is_true = is_scalar && is_one_of(value.scalar, kTrue);
  if (!is_true && !(is_scalar && is_one_of(value.scalar, kFalse))) {
    return must_be("true or false (or on/off, yes/no, enabled/disabled, 1/0)");
  }
  out = is_true;
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, std::uint32_t& out) {
  Limits narrow = limits;
  narrow.range.most =
      std::min<std::uint64_t>(limits.range.most, std::numeric_limits<std::uint32_t>::max());
  const auto count = number(value, narrow, "", value.scalar);
  if (!count) return count.error();
  out = static_cast<std::uint32_t>(*count);
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, std::uint64_t& out) {
  const auto count = number(value, limits, "", value.scalar);
  if (!count) return count.error();
  out = *count;
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, Seconds& out) {
  Limits narrow = limits;
  narrow.range.most = std::min(limits.range.most, kMostSeconds);
  const auto count = number(value, narrow, "seconds", value.scalar);
  if (!count) return count.error();
  out = Seconds(static_cast<Seconds::rep>(*count));
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, Bytes& out) {
  const std::uint64_t scale = scale_of(value.scalar);
  std::string_view digits = value.scalar;
  if (scale > 1) digits.remove_suffix(1);
  const auto count = number(value, limits, "bytes; K, M and G may follow", digits, scale);
  if (!count) return count.error();
  out.count = *count;
  return {};
}

Result<void> convert(const Value& value, const Limits&, Mode& out) {
  const auto bits = text::parse_number<std::uint32_t>(value.scalar, 8);
  if (value.kind != Value::Kind::kScalar || !bits || *bits > kAllModeBits) {
    return must_be("permission bits in octal, such as 0660");
  }
  out.bits = *bits;
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, std::string& out) {
  if (value.kind != Value::Kind::kScalar) return must_be("one word or string");
  if (!limits.words.empty() && !is_one_of(value.scalar, limits.words)) {
    return must_be("one of: " + text::join(limits.words, ", "));
  }
  out = value.scalar;
  return {};
}

Result<void> convert(const Value& value, const Limits& limits, StringList& out) {
  if (value.kind == Value::Kind::kDictionary) return must_be("a list: ( \"one\" \"two\" )");
  const StringList items =
      value.kind == Value::Kind::kArray ? value.items : StringList{value.scalar};
  for (const std::string& item : items) {
    if (!limits.words.empty() && !is_one_of(item, limits.words)) {
      return must_be("a list of these: " + text::join(limits.words, ", "));
    }
  }
  out = items;
  return {};
}

Result<void> convert(const Value& value, const Limits&, Dictionary& out) {
  if (value.kind != Value::Kind::kDictionary) return must_be("a dictionary: [ key = \"value\" ]");
  out.clear();
  for (const auto& [key, entry] : value.entries) out[text::lower(key)] = entry;
  return {};
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(std::uint32_t value) { return std::to_string(value); }
std::string text_of(std::uint64_t value) { return std::to_string(value); }
std::string text_of(Seconds value) { return std::to_string(value.count()); }

std::string text_of(Bytes value) {
  std::uint64_t count = value.count;
  std::string_view units = "KMG";
  std::string unit;
  while (count != 0 && count % 1024 == 0 && !units.empty()) {
    count /= 1024;
    unit = units.front();
    units.remove_prefix(1);
  }
  return std::to_string(count) + unit;
}

std::string text_of(Mode value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value.bits, 8).ptr;
  const std::string octal(digits, end);
  return std::string(octal.size() < 4 ? 4 - octal.size() : 0, '0') + octal;
}

std::string text_of(const std::string& value) { return quoted(value); }

std::string text_of(const StringList& value) {
  Value list;
  list.kind = Value::Kind::kArray;
  list.items = value;
  return list.text();
}

std::string text_of(const Dictionary& value) {
  Value dictionary;
  dictionary.kind = Value::Kind::kDictionary;
  dictionary.entries.assign(value.begin(), value.end());
  return dictionary.text();
}

std::string shown(const Value& value) {
  // Quotes around a scalar show where it begins and ends: idle_time = "5 ".
  if (value.kind == Value::Kind::kScalar) return text::quote(value.scalar);
  const std::string text = value.text();
  return text.size() > 80 ? text::escape(text.substr(0, 80)) + "..." : text;
}

std::string_view type_name(const bool*) { return "boolean"; }
std::string_view type_name(const std::uint32_t*) { return "number"; }
std::string_view type_name(const std::uint64_t*) { return "number"; }
std::string_view type_name(const Seconds*) { return "seconds"; }
std::string_view type_name(const Bytes*) { return "bytes"; }
std::string_view type_name(const Mode*) { return "octal mode"; }
std::string_view type_name(const std::string*) { return "string"; }
std::string_view type_name(const StringList*) { return "list"; }
std::string_view type_name(const Dictionary*) { return "dictionary"; }

}  // namespace impulse::config
