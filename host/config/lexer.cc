// Lexer: text of the configuration language to words, strings and brackets.
#include "host/config/lexer.h"

#include <algorithm>

#include "host/base/text.h"

namespace impulse::config {
namespace {

constexpr std::string_view kSpecial = "#\"'={}[]()";

Token::Kind kind_of(char c) {
  switch (c) {
    case '=':
      return Token::Kind::kEquals;
    case '{':
      return Token::Kind::kOpenBrace;
    case '}':
      return Token::Kind::kCloseBrace;
    case '[':
      return Token::Kind::kOpenBracket;
    case ']':
      return Token::Kind::kCloseBracket;
    case '(':
      return Token::Kind::kOpenParen;
    case ')':
      return Token::Kind::kCloseParen;
    default:
      return Token::Kind::kWord;
  }
}

}  // namespace

std::string Token::found() const {
  switch (kind) {
    case Kind::kEnd:
      return "the end of the file";
    case Kind::kWord:
      return text::escape(text, 80);
    case Kind::kString:
      return text::quote(text);
    case Kind::kEquals:
      return "=";
    case Kind::kComma:
      return ",";
    case Kind::kOpenBrace:
      return "{";
    case Kind::kCloseBrace:
      return "}";
    case Kind::kOpenBracket:
      return "[";
    case Kind::kCloseBracket:
      return "]";
    case Kind::kOpenParen:
      return "(";
    case Kind::kCloseParen:
      return ")";
    case Kind::kBroken:
      return text;
  }
  return {};
}

void LexerView::advance() {
  if (text_[at_++] == '\n') ++line_;
}

void LexerView::back_to(const Token& token) {
  at_ = token.begin;
  line_ = token.line;
}

/// Skips white space and comments; false when a comment does not end.
bool LexerView::skip_blank(Token& broken) {
  while (!at_end()) {
    if (text::is_space(text_[at_])) {
      advance();
    } else if (text_[at_] == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (looking_at("/*")) {
      broken = {Token::Kind::kBroken, "the comment /* is not closed: write */ behind it", line_,
                at_};
      const std::size_t end = text_.find("*/", at_ + 2);
      const std::size_t past = end == std::string_view::npos ? text_.size() : end + 2;
      while (at_ < past) advance();
      if (end == std::string_view::npos) return false;
    } else {
      return true;
    }
  }
  return true;
}

Token LexerView::next(LexContext context) {
  Token token;
  if (!skip_blank(token)) return token;
  if (at_end()) return {Token::Kind::kEnd, "", line_, at_};
  const char c = text_[at_];
  if (c == '"' || c == '\'') return string();
  if (context == LexContext::kName && c == '/') return word(context);
  token = {kind_of(c), "", line_, at_};
  if (context == LexContext::kArray && c == ',') token.kind = Token::Kind::kComma;
  if (token.kind == Token::Kind::kWord) return word(context);
  ++at_;
  return token;
}

/// Does the character here end the bare word that began with `first`? The original's manual says
/// that special characters must be quoted, and its own examples do not: `Listen /tmp/2025 {}`,
/// `( 127.0.0.0/8 )`, `Domain /yahoo\.co(m|\.uk)$/ {}`.
bool LexerView::ends_word(LexContext context, char first) const {
  const char c = text_[at_];
  if (text::is_space(c)) return true;
  if (context == LexContext::kName && first == '/') return c == '{' || c == '#';
  if (context == LexContext::kArray && c == ',') return true;
  if (first != '/' && looking_at("/*")) return true;
  return kSpecial.find(c) != std::string_view::npos;
}

Token LexerView::word(LexContext context) {
  Token token{Token::Kind::kWord, "", line_, at_};
  const char first = text_[at_];
  while (!at_end() && !ends_word(context, first)) ++at_;
  token.text = text_.substr(token.begin, at_ - token.begin);
  return token;
}

Token LexerView::string() {
  Token token{Token::Kind::kString, "", line_, at_};
  const char quote = text_[at_++];
  while (!at_end() && text_[at_] != quote) {
    // An unknown escape keeps its backslash: expressions are written "/a\.b/".
    const bool escapes = text_[at_] == '\\' && at_ + 1 < text_.size() &&
                         (text_[at_ + 1] == quote || text_[at_ + 1] == '\\');
    if (escapes) ++at_;
    token.text += text_[at_];
    advance();
  }
  const bool is_closed = !at_end();
  if (is_closed) ++at_;
  // A string of several lines is legal, but one that ends right before other text has taken the
  // opening quote of a later string for its end: then the mistake is here, at its beginning.
  const bool runs_on = line_ != token.line && !at_end() && !text::is_space(text_[at_]) &&
                       std::string_view("{}[]()=,#").find(text_[at_]) == std::string_view::npos;
  if (is_closed && !runs_on) return token;
  at_ = std::min(text_.find('\n', token.begin), text_.size());
  line_ = token.line;
  token.kind = Token::Kind::kBroken;
  token.text =
      std::string("the quote ") + quote + " is not closed: write " + quote + " behind the text";
  return token;
}

int first_binary_line(std::string_view text) {
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if ((static_cast<unsigned char>(c) < 0x20 && !text::is_space(c)) || c == 0x7f) return line;
  }
  return 0;
}

}  // namespace impulse::config
