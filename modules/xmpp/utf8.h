// UTF-8, strictly (RFC 3629): code points out of bytes and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace impulse::xmpp::utf8 {

/// One decoded code point; `length` 0 says that the bytes are not UTF-8.
struct Decoded {
  char32_t code_point = 0;
  std::size_t length = 0;
};

/// Decodes the code point at the start of `text`, which is not empty. Overlong forms, surrogates
/// and what lies beyond U+10FFFF are not UTF-8.
inline Decoded decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto is_tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2) return {};
  if (lead < 0xE0) {
    if (text.size() < 2 || !is_tail(1)) return {};
    return {((lead & 0x1F) << 6) | (byte(1) & 0x3Fu), 2};
  }
  if (lead < 0xF0) {
    if (text.size() < 3 || !is_tail(1) || !is_tail(2)) return {};
    const char32_t value = ((lead & 0x0F) << 12) | ((byte(1) & 0x3Fu) << 6) | (byte(2) & 0x3Fu);
    if (value < 0x800 || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, 3};
  }
  if (lead > 0xF4 || text.size() < 4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return {};
  const char32_t value = ((lead & 0x07) << 18) | ((byte(1) & 0x3Fu) << 12) |
                         ((byte(2) & 0x3Fu) << 6) | (byte(3) & 0x3Fu);
  if (value < 0x10000 || value > 0x10FFFF) return {};
  return {value, 4};
}

inline void append(std::string& out, char32_t value) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xC0 | (value >> 6));
    put(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    put(0xE0 | (value >> 12));
    put(0x80 | ((value >> 6) & 0x3F));
    put(0x80 | (value & 0x3F));
  } else {
    put(0xF0 | (value >> 18));
    put(0x80 | ((value >> 12) & 0x3F));
    put(0x80 | ((value >> 6) & 0x3F));
    put(0x80 | (value & 0x3F));
  }
}

/// Does XML 1.0 allow this character (section 2.2)?
constexpr bool is_xml_char(char32_t c) {
  return c >= 0x20 ? c <= 0xD7FF || (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000
                   : c == '\t' || c == '\n' || c == '\r';
}

}  // namespace impulse::xmpp::utf8
