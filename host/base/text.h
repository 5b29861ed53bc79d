// Small helpers over string_view: numbers, splitting, ASCII case, likeness, escaping for people.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace impulse::text {

/// The ASCII letter in lower case; every other byte as it is, whatever the locale says.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
/// A copy in lower case (ASCII only).
std::string lower(std::string_view text);
/// Equal without regard to the case of ASCII letters.
bool equal_any_case(std::string_view a, std::string_view b);

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
/// Space, tab, and the line and page breaks.
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// Without white space at either end.
std::string_view trim(std::string_view text);
/// The parts between separators; "a,,b" has three, "" has one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The words between white space; none of them is empty.
std::vector<std::string_view> split_words(std::string_view text);
std::string join(std::span<const std::string_view> parts, std::string_view separator);

/// The whole of `text` as a number; nothing when a character is left over, when it does not fit,
/// or when an unsigned one has a sign.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return number;
}

/// How many characters must be inserted, deleted, replaced or swapped with their neighbour to
/// make `b` of `a`, without regard to case. Costs |a| * |b| steps.
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate most like `word`, or "" when none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
/// The end of an error text: "; did you mean idle_time?", or "" when no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

/// One line that is safe in a log or on a terminal: `"`, `\` and control characters become \", \\,
/// \n, \xHH; bytes that are not UTF-8 become \xHH; cut with "..." after `limit` bytes (0 = never).
std::string escape(std::string_view text, std::size_t limit = 0);
/// The same between double quotes, for "what was found" in an error text; cut after 80 bytes.
std::string quote(std::string_view text);

}  // namespace impulse::text
