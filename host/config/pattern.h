// Pattern: the name "/regex/" of a stanza, compiled once.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace impulse::config {

/// A compiled PCRE2 expression. Matches anywhere in a subject unless anchored, without regard to
/// case (domain names have none). Immutable; any thread.
class Pattern {
 public:
  /// Is `name` written as a pattern: between slashes, at least one character?
  static bool is_pattern(std::string_view name);
  /// Compiles the text between the slashes of `name`. Never nullptr: what cannot be compiled
  /// matches nothing and has an error(), for the schema to report with its place.
  static std::shared_ptr<const Pattern> make(std::string_view name);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  /// "" when it was compiled; else PCRE2's sentence with the offset.
  const std::string& error() const { return error_; }
  /// `subject` may be any bytes a stranger sent: the work is bounded, and where the bound is hit,
  /// or the subject is not UTF-8, it does not match.
  bool matches(std::string_view subject) const;

 private:
  Pattern() = default;
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
  std::string error_;
};

}  // namespace impulse::config
