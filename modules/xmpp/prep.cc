// PRECIS string classes and profiles over the Unicode data of utf8proc, IDNA by libidn2.
#include "modules/xmpp/prep.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "host/base/owned.h"
#include "modules/xmpp/prep_tables.h"
#include "modules/xmpp/utf8.h"

namespace impulse::xmpp::prep {
namespace {

// Derived properties of RFC 8264 section 8. kFreeOnly is ID_DIS or FREE_PVAL.
enum class Property { kValid, kFreeOnly, kContextJ, kContextO, kDisallowed, kUnassigned };
enum class StringClass { kIdentifier, kFreeform };

Error invalid(std::string what) { return Error{ErrorCode::kInvalid, std::move(what)}; }

std::string name_of(char32_t c) {
  char text[16];
  std::snprintf(text, sizeof text, "U+%04X", static_cast<unsigned>(c));
  return text;
}

template <std::size_t N>
bool is_in(const Range (&ranges)[N], char32_t c) {
  const Range* at =
      std::upper_bound(std::begin(ranges), std::end(ranges), c,
                       [](char32_t value, Range range) { return value < range.first; });
  return at != std::begin(ranges) && c <= (at - 1)->last;
}

const utf8proc_property_t& unicode(char32_t c) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
}

Result<std::u32string> decode(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const utf8::Decoded next = utf8::decode(text);
    if (next.length == 0) return invalid("is not UTF-8");
    out.push_back(next.code_point);
    text.remove_prefix(next.length);
  }
  return out;
}

std::string encode(const std::u32string& text) {
  std::string out;
  out.reserve(text.size() * 2);
  for (const char32_t c : text) utf8::append(out, c);
  return out;
}

// Normalises to NFC: decomposed, brought into canonical order, composed.
std::u32string nfc(const std::u32string& text) {
  std::string bytes = encode(text);
  utf8proc_uint8_t* result = nullptr;
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  const utf8proc_ssize_t length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(bytes.data()),
                   static_cast<utf8proc_ssize_t>(bytes.size()), &result, options);
  if (length < 0) return text;  // only without memory: what came in was UTF-8
  const Owned<utf8proc_uint8_t, &::free> owned(result);
  auto decoded = decode({reinterpret_cast<const char*>(result), static_cast<std::size_t>(length)});
  return std::move(decoded).value_or(text);
}

// HasCompat (RFC 8264 section 9.17): NFKC of this one is something else.
bool has_compatibility_form(char32_t c) {
  std::array<utf8proc_int32_t, 32> buffer;
  int boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE);
  utf8proc_ssize_t length =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer.data(),
                              static_cast<utf8proc_ssize_t>(buffer.size()), options, &boundary);
  if (length < 0 || length > static_cast<utf8proc_ssize_t>(buffer.size())) return true;
  length = utf8proc_normalize_utf32(buffer.data(), length, options);
  return length != 1 || static_cast<char32_t>(buffer[0]) != c;
}

bool is_exception(char32_t c, Property& property) {
  switch (c) {  // RFC 8264 section 9.6
    case 0x00DF:
    case 0x03C2:
    case 0x06FD:
    case 0x06FE:
    case 0x0F0B:
    case 0x3007:
      property = Property::kValid;
      return true;
    case 0x00B7:
    case 0x0375:
    case 0x05F3:
    case 0x05F4:
    case 0x30FB:
      property = Property::kContextO;
      return true;
    case 0x0640:
    case 0x07FA:
    case 0x302E:
    case 0x302F:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303B:
      property = Property::kDisallowed;
      return true;
    default:
      break;
  }
  if ((c >= 0x0660 && c <= 0x0669) || (c >= 0x06F0 && c <= 0x06F9)) {
    property = Property::kContextO;
    return true;
  }
  return false;
}

bool is_noncharacter(char32_t c) { return (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE; }

// The algorithm of RFC 8264 section 8, in its order.
Property property_of(char32_t c) {
  Property exception;
  if (is_exception(c, exception)) return exception;
  const utf8proc_property_t& data = unicode(c);
  if (data.category == UTF8PROC_CATEGORY_CN && !is_noncharacter(c)) return Property::kUnassigned;
  if (c >= 0x21 && c <= 0x7E) return Property::kValid;
  if (c == 0x200C || c == 0x200D) return Property::kContextJ;
  const bool is_old_hangul_jamo =
      (c >= 0x1100 && c <= 0x11FF) || (c >= 0xA960 && c <= 0xA97C) || (c >= 0xD7B0 && c <= 0xD7FB);
  if (is_old_hangul_jamo || data.ignorable || is_noncharacter(c)) return Property::kDisallowed;
  if (data.category == UTF8PROC_CATEGORY_CC) return Property::kDisallowed;
  if (has_compatibility_form(c)) return Property::kFreeOnly;
  switch (data.category) {
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
      return Property::kValid;
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_SM:
    case UTF8PROC_CATEGORY_SC:
    case UTF8PROC_CATEGORY_SK:
    case UTF8PROC_CATEGORY_SO:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return Property::kFreeOnly;
    default:
      return Property::kDisallowed;
  }
}

bool is_transparent(char32_t c) {  // Joining_Type T is derived from these categories
  const auto category = unicode(c).category;
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME ||
         category == UTF8PROC_CATEGORY_CF;
}

bool is_virama(char32_t c) { return unicode(c).combining_class == 9; }

// RFC 5892 appendices A.1 and A.2.
bool may_join(const std::u32string& text, std::size_t at) {
  if (at > 0 && is_virama(text[at - 1])) return true;
  if (text[at] == 0x200D) return false;
  std::size_t before = at;
  while (before > 0 && is_transparent(text[before - 1])) --before;
  std::size_t after = at + 1;
  while (after < text.size() && is_transparent(text[after])) ++after;
  if (before == 0 || after == text.size()) return false;
  const char32_t right = text[after];
  return is_in(kJoinsLeft, text[before - 1]) &&
         (is_in(kJoinsRightOnly, right) || (is_in(kJoinsLeft, right) && !is_in(kLeftOnly, right)));
}

// RFC 5892 appendices A.3 to A.9.
bool is_in_context(const std::u32string& text, std::size_t at) {
  const char32_t c = text[at];
  const char32_t before = at > 0 ? text[at - 1] : 0;
  const char32_t after = at + 1 < text.size() ? text[at + 1] : 0;
  const auto has_between = [&text](char32_t first, char32_t last) {
    return std::any_of(text.begin(), text.end(),
                       [=](char32_t other) { return other >= first && other <= last; });
  };
  switch (c) {
    case 0x00B7:
      return before == 'l' && after == 'l';
    case 0x0375:
      return is_in(kGreek, after);
    case 0x05F3:
    case 0x05F4:
      return is_in(kHebrew, before);
    case 0x30FB:
      return std::any_of(text.begin(), text.end(),
                         [](char32_t other) { return is_in(kKanaOrHan, other); });
    default:  // digits: Arabic-Indic and extended ones do not mix
      return c <= 0x0669 ? !has_between(0x06F0, 0x06F9) : !has_between(0x0660, 0x0669);
  }
}

Result<void> check_class(const std::u32string& text, StringClass string_class) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    switch (property_of(c)) {
      case Property::kValid:
        break;
      case Property::kFreeOnly:
        if (string_class == StringClass::kIdentifier) {
          return invalid(name_of(c) + " is no letter, digit or ASCII sign");
        }
        break;
      case Property::kContextJ:
        if (!may_join(text, i)) return invalid(name_of(c) + " joins nothing here");
        break;
      case Property::kContextO:
        if (!is_in_context(text, i)) return invalid(name_of(c) + " may not stand here");
        break;
      case Property::kDisallowed:
        return invalid(name_of(c) + " is not allowed");
      case Property::kUnassigned:
        return invalid(name_of(c) + " is not assigned");
    }
  }
  return {};
}

// The Bidi Rule (RFC 5893 section 2); text without right-to-left characters always passes.
bool keeps_bidi_rule(const std::u32string& text) {
  const auto class_of = [](char32_t c) { return unicode(c).bidi_class; };
  const auto is_any = [](int value, std::initializer_list<int> set) {
    return std::find(set.begin(), set.end(), value) != set.end();
  };
  const bool has_rtl = std::any_of(text.begin(), text.end(), [&](char32_t c) {
    return is_any(class_of(c),
                  {UTF8PROC_BIDI_CLASS_R, UTF8PROC_BIDI_CLASS_AL, UTF8PROC_BIDI_CLASS_AN});
  });
  if (!has_rtl) return true;
  const int first = class_of(text.front());
  const bool is_rtl = is_any(first, {UTF8PROC_BIDI_CLASS_R, UTF8PROC_BIDI_CLASS_AL});
  if (!is_rtl) return false;  // with these characters, a left-to-right label is never right
  bool has_en = false;
  bool has_an = false;
  int last = UTF8PROC_BIDI_CLASS_NSM;
  for (const char32_t c : text) {
    const int value = class_of(c);
    if (!is_any(value, {UTF8PROC_BIDI_CLASS_R, UTF8PROC_BIDI_CLASS_AL, UTF8PROC_BIDI_CLASS_AN,
                        UTF8PROC_BIDI_CLASS_EN, UTF8PROC_BIDI_CLASS_ES, UTF8PROC_BIDI_CLASS_CS,
                        UTF8PROC_BIDI_CLASS_ET, UTF8PROC_BIDI_CLASS_ON, UTF8PROC_BIDI_CLASS_BN,
                        UTF8PROC_BIDI_CLASS_NSM})) {
      return false;
    }
    has_en = has_en || value == UTF8PROC_BIDI_CLASS_EN;
    has_an = has_an || value == UTF8PROC_BIDI_CLASS_AN;
    if (value != UTF8PROC_BIDI_CLASS_NSM) last = value;
  }
  if (has_en && has_an) return false;
  return is_any(last, {UTF8PROC_BIDI_CLASS_R, UTF8PROC_BIDI_CLASS_AL, UTF8PROC_BIDI_CLASS_EN,
                       UTF8PROC_BIDI_CLASS_AN});
}

// Fullwidth and halfwidth forms become the usual ones.
void map_width(std::u32string& text) {
  for (char32_t& c : text) {
    const auto type = unicode(c).decomp_type;
    if (type != UTF8PROC_DECOMP_TYPE_WIDE && type != UTF8PROC_DECOMP_TYPE_NARROW) continue;
    std::array<utf8proc_int32_t, 32> buffer;
    int boundary = 0;
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE);
    const utf8proc_ssize_t length =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer.data(),
                                static_cast<utf8proc_ssize_t>(buffer.size()), options, &boundary);
    // The few that become more than one (fullwidth macron) are no letters and stay to be refused.
    if (length == 1) c = static_cast<char32_t>(buffer[0]);
  }
}

std::u32string to_lower(const std::u32string& text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (c == 0x0130) {  // the one character whose lower case is two, whatever surrounds it
      out += U"i\u0307";
    } else {
      out.push_back(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
    }
  }
  return out;
}

Result<std::u32string> enforce_username(std::u32string text) {
  map_width(text);
  if (auto good = check_class(text, StringClass::kIdentifier); !good) return good.error();
  text = nfc(to_lower(text));
  if (text.empty()) return invalid("is empty");
  if (!keeps_bidi_rule(text)) {
    return invalid("mixes left-to-right and right-to-left text (RFC 5893 section 2)");
  }
  return text;
}

Result<std::u32string> enforce_opaque(std::u32string text) {
  // RFC 8265 section 4.2.2: prepared first, so a stranger's string is checked as it came.
  if (auto good = check_class(text, StringClass::kFreeform); !good) return good.error();
  for (char32_t& c : text) {
    if (unicode(c).category == UTF8PROC_CATEGORY_ZS) c = ' ';
  }
  text = nfc(text);
  if (text.empty()) return invalid("is empty");
  return text;
}

// Applies the rules until nothing changes (RFC 8264 section 7), so that prepared text stays itself.
template <class Enforce>
Result<std::string> enforce_until_stable(std::string_view bytes, Enforce enforce) {
  Result<std::u32string> text = decode(bytes);
  if (!text) return text.error();
  for (int round = 0; round < 4; ++round) {
    Result<std::u32string> next = enforce(*text);
    if (!next) return next.error();
    if (*next == *text) return encode(*text);
    text = std::move(next);
  }
  return invalid("does not settle under its mapping rules");
}

Error bad_label(std::string_view label) {
  return invalid("label '" + std::string(label.substr(0, 63)) +
                 "' must be 1 to 63 letters, digits and inner hyphens");
}

// An NR-LDH label (RFC 5890 section 2.3.1), in lower case.
bool is_plain_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
    return false;
  }
  if (label.size() > 3 && label.substr(2, 2) == "--") return false;
  return std::all_of(label.begin(), label.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

using IdnText = Owned<char, &::idn2_free>;

// The A-label of a U-label or A-label by IDNA2008, or null.
IdnText to_a_label(const std::string& label) {
  char* result = nullptr;
  const int rc = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(label.c_str()),
                                reinterpret_cast<uint8_t**>(&result), IDN2_NO_TR46);
  return IdnText(rc == IDN2_OK ? result : nullptr);
}

Result<std::string> international_label(const std::string& label) {
  std::string unicode_form = label;
  if (label.starts_with("xn--")) {
    char* result = nullptr;
    if (idn2_to_unicode_8z8z(label.c_str(), &result, 0) != IDN2_OK) return bad_label(label);
    const IdnText owned(result);
    unicode_form = result;
    // An A-label of ASCII, or of what another spelling stands for, is none (RFC 5891 section 5.4).
    if (unicode_form == label) return bad_label(label);
  }
  const IdnText a_label = to_a_label(unicode_form);
  if (a_label == nullptr || !std::string_view(a_label.get()).starts_with("xn--") ||
      std::string_view(a_label.get()).size() > 63) {
    return bad_label(label);
  }
  if (label.starts_with("xn--") && label != a_label.get()) return bad_label(label);
  return unicode_form;
}

Result<std::string> ipv6_literal(std::string_view text) {
  const std::string inner(text.substr(1, text.size() - 2));
  in6_addr address;
  char canonical[INET6_ADDRSTRLEN];
  // One address has many spellings; equal addresses must be equal texts.
  if (inner.find('\0') != std::string::npos ||
      ::inet_pton(AF_INET6, inner.c_str(), &address) != 1 ||
      ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical) == nullptr) {
    return invalid("'[...]' must hold an IPv6 address");
  }
  return "[" + std::string(canonical) + "]";
}

}  // namespace

Result<std::string> username_case_mapped(std::string_view text) {
  return enforce_until_stable(text, enforce_username);
}

Result<std::string> opaque_string(std::string_view text) {
  return enforce_until_stable(text, enforce_opaque);
}

Result<std::string> domain(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) return ipv6_literal(text);
  auto decoded = decode(text);
  if (!decoded) return decoded.error();
  map_width(*decoded);
  for (char32_t& c : *decoded) {
    if (c == 0x3002) c = '.';  // the ideographic full stop ends labels as well (RFC 5895)
  }
  std::string rest = encode(nfc(to_lower(*decoded)));
  if (rest.find('\0') != std::string::npos) return invalid("U+0000 is not allowed");
  if (rest.ends_with('.')) rest.pop_back();
  if (rest.empty()) return invalid("is empty");
  std::string out;
  for (std::size_t start = 0;;) {
    const std::size_t dot = rest.find('.', start);
    const std::string label = rest.substr(start, dot - start);
    const bool is_ascii =
        std::all_of(label.begin(), label.end(), [](char c) { return (c & 0x80) == 0; });
    if (is_ascii && !label.starts_with("xn--")) {
      if (!is_plain_label(label)) return bad_label(label);
      out += label;
    } else {
      auto international = international_label(label);
      if (!international) return international;
      out += *international;
    }
    if (dot == std::string::npos) return out;
    out += '.';
    start = dot + 1;
  }
}

}  // namespace impulse::xmpp::prep
