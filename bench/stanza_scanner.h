// Cuts an XMPP byte stream into its top-level elements without a full parser.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace impulse::bench {

/// Finds where stanzas end by counting tags: enough to count them exactly, and cheap.
///
/// It trusts its server to send well-formed XML without comments or CDATA. Thread: owner only.
class StanzaScanner {
 public:
  void append(std::string_view bytes);

  /// The next complete element: the stream's opening tag, a child of the stream, or the stream's
  /// closing tag. Empty when more bytes are needed. The view holds until the next `append()`.
  std::optional<std::string_view> next();

  /// Forgets everything: a new stream begins.
  void reset();

 private:
  std::size_t find_tag_end(std::size_t open) const;

  std::string buffer_;
  std::size_t start_ = 0;     ///< where the element being read begins
  std::size_t position_ = 0;  ///< everything before it has been looked at
  int depth_ = 0;             ///< open elements, the stream's own included
};

/// The value of attribute `name` in the first tag of `element`, or an empty view.
std::string_view attribute(std::string_view element, std::string_view name);

/// The text between `<name>` and `</name>`, or an empty view; `name` stands without attributes.
std::string_view text_of(std::string_view element, std::string_view name);

/// Whether `element` begins with the tag `name`, with or without attributes.
bool is_element(std::string_view element, std::string_view name);

}  // namespace impulse::bench
