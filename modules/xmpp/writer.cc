// Elements to bytes: namespaces declared where they differ, everything escaped.
#include "modules/xmpp/writer.h"

#include <array>
#include <string>
#include <vector>

#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/utf8.h"

namespace impulse::xmpp {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Which bytes may be copied as they are; all others end a run.
constexpr std::array<bool, 256> plain_bytes(std::string_view escaped) {
  std::array<bool, 256> plain{};
  for (std::size_t c = 0x20; c < 0x80; ++c) plain[c] = true;
  plain['\t'] = plain['\n'] = true;
  for (const char c : escaped) plain[static_cast<unsigned char>(c)] = false;
  return plain;
}
// A carriage return, and in attributes any line break or tab, would be changed by the reader's
// normalisation (XML 1.0 sections 2.11 and 3.3.3), so it goes as a character reference.
constexpr auto kPlainInText = plain_bytes("&<>");
constexpr auto kPlainInAttribute = plain_bytes("&<>'\"\t\n");

std::string_view escape_of(unsigned char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&apos;";
    case '"':
      return "&quot;";
    case '\t':
      return "&#x9;";
    case '\n':
      return "&#xA;";
    case '\r':
      return "&#xD;";
    default:
      return kReplacement;  // a character that XML does not know
  }
}

void escape(std::string& out, std::string_view text, const std::array<bool, 256>& plain) {
  std::size_t run = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (plain[c]) {
      ++at;
      continue;
    }
    std::size_t length = 1;
    if (c >= 0x80) {
      const utf8::Decoded decoded = utf8::decode(text.substr(at));
      if (decoded.length != 0 && utf8::is_xml_char(decoded.code_point)) {
        at += decoded.length;
        continue;
      }
      if (decoded.length != 0) length = decoded.length;
    }
    out.append(text, run, at - run);
    out += escape_of(c);
    at += length;
    run = at;
  }
  out.append(text, run, at - run);
}

void write_attribute(std::string& out, std::string_view name, std::string_view value) {
  out += ' ';
  out += name;
  out += "='";
  escape(out, value, kPlainInAttribute);
  out += '\'';
}

// An attribute of a namespace other than XML's: its prefix is declared on the same element.
void write_foreign_attribute(std::string& out, const Attribute& attribute,
                             std::vector<std::string_view>& declared) {
  std::size_t index = 0;
  while (index < declared.size() && declared[index] != attribute.ns) ++index;
  const std::string prefix = "ns" + std::to_string(index + 1);
  if (index == declared.size()) {
    declared.push_back(attribute.ns);
    write_attribute(out, "xmlns:" + prefix, attribute.ns);
  }
  write_attribute(out, prefix + ":" + std::string(attribute.name), attribute.value);
}

void write_attributes(std::string& out, const Element& element, bool with_addresses) {
  std::vector<std::string_view> declared;
  for (const Attribute* at = element.first_attribute(); at != nullptr; at = at->next) {
    if (at->ns.empty()) {
      if (!with_addresses && (at->name == "from" || at->name == "to")) continue;
      write_attribute(out, at->name, at->value);
    } else if (at->ns == ns::kXml) {
      out += " xml:";
      out += at->name;
      out += "='";
      escape(out, at->value, kPlainInAttribute);
      out += '\'';
    } else {
      write_foreign_attribute(out, *at, declared);
    }
  }
}

void write_tag_name(std::string& out, const Element& element, std::string_view context) {
  out += '<';
  out += element.name();
  if (element.ns() != context) write_attribute(out, "xmlns", element.ns());
}

void write_end_tag(std::string& out, const Element& element) {
  out += "</";
  out += element.name();
  out += '>';
}

// All inside `top`, and its end tag. Depth costs no stack.
void write_inside(std::string& out, const Element& top) {
  const Element* within = &top;
  const Node* node = top.first_node();
  for (;;) {
    while (node == nullptr) {
      write_end_tag(out, *within);
      if (within == &top) return;
      node = within->next;
      within = within->parent;
    }
    if (node->is_text) {
      escape(out, static_cast<const TextNode*>(node)->text, kPlainInText);
      node = node->next;
      continue;
    }
    const auto* child = static_cast<const Element*>(node);
    write_tag_name(out, *child, within->ns());
    write_attributes(out, *child, true);
    if (child->first_node() == nullptr) {
      out += "/>";
      node = child->next;
      continue;
    }
    out += '>';
    within = child;
    node = child->first_node();
  }
}

}  // namespace

void write_element(std::string& out, const Element& element, std::string_view context) {
  write_tag_name(out, element, context);
  write_attributes(out, element, true);
  if (element.first_node() == nullptr) {
    out += "/>";
    return;
  }
  out += '>';
  write_inside(out, element);
}

std::string to_xml(const Element& element, std::string_view context) {
  std::string out;
  out.reserve(256);
  write_element(out, element, context);
  return out;
}

std::string write_body(const Element& element) {
  // The children stand in the namespace of `element`, whatever surrounds it.
  std::string out;
  if (element.first_node() != nullptr) write_inside(out, element);
  return out;
}

void write_start_tag(std::string& out, const Element& element, std::string_view context,
                     std::string_view from, std::string_view to, bool body_follows) {
  write_tag_name(out, element, context);
  if (!from.empty()) write_attribute(out, "from", from);
  if (!to.empty()) write_attribute(out, "to", to);
  write_attributes(out, element, false);
  out += body_follows ? ">" : "/>";
}

void escape_text(std::string& out, std::string_view text) { escape(out, text, kPlainInText); }

void escape_attribute(std::string& out, std::string_view value) {
  escape(out, value, kPlainInAttribute);
}

}  // namespace impulse::xmpp
