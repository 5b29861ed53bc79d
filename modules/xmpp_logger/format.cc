// Compiling and writing of log formats.
#include "modules/xmpp_logger/format.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

#include "host/base/text.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp_logger {

namespace {

constexpr std::string_view kKnown = "%t %st %at %af %ai %ay %so %sr %H";

/// The stanza with the character data of a message hidden; structure and attributes stay.
void hide_text(xmpp::Element& element) {
  bool has_text = false;
  for (xmpp::Node* node = element.first_node(); node;) {
    xmpp::Node* next = node->next;
    if (node->is_text) {
      has_text = true;
      element.remove_child(*node);
    } else {
      hide_text(static_cast<xmpp::Element&>(*node));
    }
    node = next;
  }
  if (has_text) element.add_text("***");
}

void write_element(std::string& out, const xmpp::Element& element, bool is_hidden) {
  std::string xml;
  if (is_hidden && element.name() == "message") {
    xmpp::Document copy = xmpp::Document::copy_of(element);
    hide_text(copy.root());
    xmpp::write_element(xml, copy.root(), xmpp::ns::kClient);
  } else {
    xmpp::write_element(xml, element, xmpp::ns::kClient);
  }
  escape_value(out, xml);
}

void write_time(std::string& out, std::int64_t time, const std::string& format) {
  const std::time_t seconds = static_cast<std::time_t>(time);
  std::tm parts = {};
  ::localtime_r(&seconds, &parts);
  char text[256];
  out.append(text, std::strftime(text, sizeof text, format.c_str(), &parts));
}

}  // namespace

void escape_value(std::string& out, std::string_view value) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f && c != '\\') {
      out += c;
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

Result<Format::Piece> Format::macro_piece(std::string_view name, std::string_view argument) {
  struct Row {
    std::string_view name;
    Macro macro;
  };
  static constexpr Row kRows[] = {
      {"t", Macro::kTime},        {"st", Macro::kStanzaType}, {"at", Macro::kTo},
      {"af", Macro::kFrom},       {"ai", Macro::kId},         {"ay", Macro::kType},
      {"so", Macro::kObfuscated}, {"sr", Macro::kRaw},        {"H", Macro::kRemote}};
  for (const Row& row : kRows) {
    if (row.name != name) continue;
    if (row.macro == Macro::kTime && !argument.empty()) {
      return Piece{Macro::kFormattedTime, std::string(argument)};
    }
    if (argument.empty()) return Piece{row.macro, {}};
    return Error{ErrorCode::kInvalid, "the macro %" + std::string(name) + " takes no {argument}"};
  }
  return Error{ErrorCode::kInvalid, "the macro %" + std::string(name) +
                                        " is not known; there are " + std::string(kKnown)};
}

Result<Format> Format::compile(std::string_view text) {
  Format format;
  auto literal = [&format](std::string_view part) {
    if (format.pieces_.empty() || format.pieces_.back().macro != Macro::kLiteral) {
      format.pieces_.push_back({Macro::kLiteral, {}});
    }
    format.pieces_.back().text += part;
  };
  while (!text.empty()) {
    const std::size_t percent = text.find('%');
    if (percent != 0) {
      literal(text.substr(0, percent));
      text.remove_prefix(std::min(percent, text.size()));
      continue;
    }
    text.remove_prefix(1);
    if (text.starts_with('%')) {
      literal("%");
      text.remove_prefix(1);
      continue;
    }
    std::string_view name, argument;
    if (text.starts_with('{')) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) {
        return Error{ErrorCode::kInvalid, "%{ is not closed by }"};
      }
      name = text.substr(1, end - 1);
      const std::size_t colon = name.rfind(':');
      if (colon != std::string_view::npos) {
        if (name.substr(0, colon) != "xmpp_logger") {
          return Error{ErrorCode::kInvalid, "there are no macros of the namespace " +
                                                std::string(name.substr(0, colon)) +
                                                "; write %{xmpp_logger:NAME}"};
        }
        name.remove_prefix(colon + 1);
      }
      text.remove_prefix(end + 1);
    } else {
      std::size_t length = 0;
      while (length < text.size() && text::is_letter(text[length])) ++length;
      name = text.substr(0, length);
      text.remove_prefix(length);
      if (text.starts_with('{')) {
        const std::size_t end = text.find('}');
        if (end == std::string_view::npos) {
          return Error{ErrorCode::kInvalid, "%" + std::string(name) + "{ is not closed by }"};
        }
        argument = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
      }
    }
    Result<Piece> piece = macro_piece(name, argument);
    if (!piece) return std::move(piece).error();
    format.pieces_.push_back(std::move(*piece));
  }
  return format;
}

void Format::write(std::string& out, std::int64_t time, const xmpp::Traffic* traffic) const {
  for (const Piece& piece : pieces_) {
    if (piece.macro == Macro::kLiteral) {
      out += piece.text;
      continue;
    }
    if (piece.macro == Macro::kTime) {
      char digits[24];
      out.append(digits, std::to_chars(digits, digits + sizeof digits, time).ptr);
      continue;
    }
    if (piece.macro == Macro::kFormattedTime) {
      write_time(out, time, piece.text);
      continue;
    }
    if (!traffic) continue;
    switch (piece.macro) {
      case Macro::kStanzaType:
        out += traffic->kind;
        break;
      case Macro::kTo:
        escape_value(out, traffic->to);
        break;
      case Macro::kFrom:
        escape_value(out, traffic->from);
        break;
      case Macro::kId:
        escape_value(out, traffic->id);
        break;
      case Macro::kType:
        escape_value(out, traffic->type);
        break;
      case Macro::kObfuscated:
      case Macro::kRaw:
        if (traffic->element) {
          write_element(out, *traffic->element, piece.macro == Macro::kObfuscated);
        }
        break;
      case Macro::kRemote:
        escape_value(out, traffic->remote);
        break;
      case Macro::kLiteral:
      case Macro::kTime:
      case Macro::kFormattedTime:
        break;
    }
  }
}

}  // namespace impulse::xmpp_logger
