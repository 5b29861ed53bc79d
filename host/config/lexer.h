// Lexer: text of the configuration language to words, strings and brackets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace impulse::config {

/// One token and where it begins. Regular value.
struct Token {
  enum class Kind {
    kEnd,
    kWord,    ///< text: as written
    kString,  ///< text: without quotes and escapes
    kEquals,
    kComma,  ///< only within an array
    kOpenBrace,
    kCloseBrace,
    kOpenBracket,
    kCloseBracket,
    kOpenParen,
    kCloseParen,
    kBroken,  ///< text: what is wrong; the lexer stands behind it
  };
  Kind kind = Kind::kEnd;
  std::string text;
  int line = 0;
  std::size_t begin = 0;

  bool is_text() const { return kind == Kind::kWord || kind == Kind::kString; }
  /// What was found, for a sentence: `word`, "string", or the character.
  std::string found() const;
};

/// Where a token is read: bare words end differently there.
enum class LexContext {
  kPlain,
  kName,   ///< behind a stanza's type: /regex/ and /path run to white space, "{" or "#"
  kArray,  ///< a comma separates
};

/// Reads tokens one by one, skipping white space and comments. `text` must outlive it; its bytes
/// may be anything. One at a time.
class LexerView {
 public:
  explicit LexerView(std::string_view text) : text_(text) {}

  Token next(LexContext context = LexContext::kPlain);
  /// The next call reads this token anew.
  void back_to(const Token& token);

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool looking_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void advance();
  bool skip_blank(Token& broken);
  bool ends_word(LexContext context, char first) const;
  Token word(LexContext context);
  Token string();

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

/// The first line with a byte that no text file has (controls other than white space), 0 = none.
int first_binary_line(std::string_view text);

}  // namespace impulse::config
