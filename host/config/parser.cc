// Text of the configuration language to a tree of stanzas; follows include directives.
#include "host/config/parser.h"

#include <optional>
#include <utility>

#include "host/base/text.h"
#include "host/config/file_reader.h"
#include "host/config/lexer.h"
#include "host/config/tree_builder.h"

namespace impulse::config {
namespace {

constexpr int kDeepestStanza = 64;
constexpr std::size_t kDeepestInclude = 16;
// Together these keep files that include each other many times from filling the memory.
constexpr std::size_t kMostFiles = 10'000;
constexpr std::size_t kMostBytes = 8 * kMostFileBytes;

using Kind = Token::Kind;

/// What all files of one configuration share while they are read.
struct Reading {
  TreeBuilder tree;
  std::vector<std::string> search_path;
  std::vector<std::string> files;
  std::vector<std::pair<dev_t, ino_t>> open_files;
  std::size_t bytes = 0;
  int depth = 0;
};

/// Names of options and stanzas.
bool is_name(std::string_view word) {
  bool has_letter = false;
  for (const char c : word) {
    if (!text::is_letter(c) && !text::is_digit(c) && c != '_' && c != '-') return false;
    has_letter = has_letter || text::is_letter(c);
  }
  return has_letter;
}

void include_file(Reading& reading, Node& node, const std::string& path, const Place& place,
                  const std::string& what);

/// One file (or text in memory): a recursive descent, one function for each piece of the language.
/// After a mistake it goes on with the next line, so that all mistakes are told at once.
class FileParser {
 public:
  FileParser(Reading& reading, std::string_view text, const std::string& file,
             const std::string& folder)
      : reading_(reading), lexer_(text), file_(file), folder_(folder) {}

  /// The statements within `{` ... `}`, or of the whole file when `opening` is nullptr.
  void body(Node& node, const Token* opening) {
    for (;;) {
      const Token token = lexer_.next();
      switch (token.kind) {
        case Kind::kEnd:
          if (opening != nullptr) report(*opening, node.title() + " { is not closed: write }");
          return;
        case Kind::kCloseBrace:
          if (opening != nullptr) return;
          report(token, "} closes nothing: remove it, or write the { that is missing above");
          break;
        case Kind::kWord:
          statement(node, token);
          break;
        case Kind::kBroken:
          report(token, token.text);
          skip_line(token.line);
          break;
        default:
          report(token, token.found() + ": here must be the name of an option or of a stanza");
          if (token.kind == Kind::kOpenBrace) lexer_.back_to(token);
          skip_line(token.line);
      }
    }
  }

 private:
  Place at(const Token& token) const { return {file_, token.line}; }
  void report(const Token& token, std::string text) {
    reading_.tree.report(at(token), std::move(text));
  }

  /// Goes to the next line, or to the brace that closes this stanza. A stanza opened on the way is
  /// still read, for its mistakes.
  void skip_line(int line) {
    for (;;) {
      const Token token = lexer_.next();
      if (token.kind == Kind::kEnd || token.kind == Kind::kCloseBrace || token.line > line) {
        lexer_.back_to(token);
        return;
      }
      if (token.kind == Kind::kOpenBrace) {
        return stanza_body(reading_.tree.discarded(), token);
      }
    }
  }

  void statement(Node& node, const Token& key) {
    if (text::equal_any_case(key.text, "include") ||
        text::equal_any_case(key.text, "readonly_include")) {
      return include(node, key);
    }
    if (!is_name(key.text)) {
      report(key, key.found() +
                      ": here must be the name of an option or of a stanza (letters, digits, _ "
                      "and -); a value of several words stands in quotes");
      return skip_line(key.line);
    }
    const Token next = lexer_.next(LexContext::kName);
    switch (next.kind) {
      case Kind::kEquals: {
        const Token first = lexer_.next();
        if (first.kind == Kind::kOpenBrace) return stanza(node, key, "", first);
        return setting(node, key, first);
      }
      case Kind::kOpenBracket:
        return setting(node, key, next);
      case Kind::kOpenParen:
        report(key, key.found() + " (: write " + key.found() + " = (");
        return setting(node, key, next);
      case Kind::kOpenBrace:
        return stanza(node, key, "", next);
      case Kind::kWord:
      case Kind::kString:
        return named_stanza(node, key, next);
      default:
        stands_alone(key, next);
    }
  }

  /// `key name {`, or a mistake.
  void named_stanza(Node& node, const Token& key, const Token& name) {
    Token next = lexer_.next();
    const bool has_equals = next.kind == Kind::kEquals;
    if (has_equals) next = lexer_.next();
    if (next.kind == Kind::kOpenBrace) return stanza(node, key, name.text, next);
    if (name.line > key.line) return stands_alone(key, name);
    const std::string words = key.found() + " " + name.found();
    report(key, words + ": write " + key.found() + " = " + name.found() + " for an option, or " +
                    words + " { ... } for a stanza");
    // What follows on later lines is sound.
    lexer_.back_to(has_equals ? name : next);
    skip_line(name.line);
  }

  void stands_alone(const Token& key, const Token& next) {
    const std::string word = key.found();
    report(key, word + ": stands alone: write " + word + " = VALUE for an option, or " + word +
                    " { ... } for a stanza");
    lexer_.back_to(next);
    skip_line(key.line);
  }

  void stanza(Node& parent, const Token& type, std::string name, const Token& opening) {
    stanza_body(reading_.tree.open(parent, type.text, std::move(name), at(type)), opening);
  }

  void stanza_body(Node& node, const Token& opening) {
    if (reading_.depth >= kDeepestStanza) {
      report(opening, "stanzas are nested more than " + std::to_string(kDeepestStanza) + " deep");
      return skip_braces();
    }
    ++reading_.depth;
    body(node, &opening);
    --reading_.depth;
  }

  /// Behind `{`: goes behind its `}` without looking at what is between.
  void skip_braces() {
    for (std::size_t open = 1; open > 0;) {
      const Kind kind = lexer_.next().kind;
      if (kind == Kind::kEnd) return;
      if (kind == Kind::kOpenBrace) ++open;
      if (kind == Kind::kCloseBrace) --open;
    }
  }

  void setting(Node& node, const Token& key, const Token& first) {
    if (auto value = read_value(key, first)) {
      reading_.tree.set(node, key.text, std::move(*value), at(key));
    }
  }

  /// The value that begins with `first`; nothing after a mistake, which was reported.
  std::optional<Value> read_value(const Token& key, const Token& first) {
    switch (first.kind) {
      case Kind::kWord:
        if (first.line > key.line && is_followed_by_body()) break;
        [[fallthrough]];
      case Kind::kString: {
        Value value;
        value.scalar = first.text;
        return value;
      }
      case Kind::kOpenParen:
        return array(first);
      case Kind::kOpenBracket:
        return dictionary(first);
      case Kind::kBroken:
        report(first, first.text);
        skip_line(first.line);
        return std::nullopt;
      default:
        break;
    }
    const std::string word = key.found();
    report(key, word + " = : has no value: write " + word + " = VALUE, or " + word +
                    " = \"\" for an empty one");
    lexer_.back_to(first);
    skip_line(key.line);
    return std::nullopt;
  }

  /// After `a =` at the end of a line: is the next line `b = ...`, so that a has no value?
  bool is_followed_by_body() {
    const Token next = lexer_.next();
    lexer_.back_to(next);
    return next.kind == Kind::kEquals || next.kind == Kind::kOpenBrace;
  }

  std::optional<Value> array(const Token& opening) {
    Value value;
    value.kind = Value::Kind::kArray;
    Token last = opening;
    for (;;) {
      const Token token = lexer_.next(LexContext::kArray);
      switch (token.kind) {
        case Kind::kCloseParen:
          return value;
        case Kind::kComma:
          break;
        case Kind::kWord:
        case Kind::kString:
          value.items.push_back(token.text);
          break;
        case Kind::kBroken:
          report(token, token.text);
          skip_line(token.line);
          return std::nullopt;
        default:
          report(opening, "the list ( is not closed before " + token.found() +
                              ": write ) behind its last value");
          resume_after(opening, last, token);
          return std::nullopt;
      }
      last = token;
    }
  }

  std::optional<Value> dictionary(const Token& opening) {
    Value value;
    value.kind = Value::Kind::kDictionary;
    for (;;) {
      const Token key = lexer_.next();
      if (key.kind == Kind::kCloseBracket) return value;
      if (!key.is_text()) {
        not_a_key(opening, key);
        return std::nullopt;
      }
      const Token equals = lexer_.next();
      const Token entry = equals.kind == Kind::kEquals ? lexer_.next() : equals;
      if (equals.kind != Kind::kEquals || !entry.is_text()) {
        dictionary_mistake(opening, key, equals, entry);
        return std::nullopt;
      }
      if (entry.kind == Kind::kWord && entry.text.ends_with(',')) {
        report(entry, entry.found() +
                          ": a dictionary has no commas between its entries; write "
                          "the value in quotes if the comma belongs to it");
      }
      value.entries.emplace_back(text::lower(key.text), entry.text);
    }
  }

  void not_a_key(const Token& opening, const Token& token) {
    if (token.kind == Kind::kBroken) {
      report(token, token.text);
    } else if (is_end_of_stanza(token)) {
      report(opening, "the dictionary [ is not closed before " + token.found() +
                          ": write ] behind its last value");
      return lexer_.back_to(token);
    } else {
      report(token, token.found() + ": here must be KEY = VALUE, or the ] of the dictionary");
    }
    skip_dictionary();
  }

  void dictionary_mistake(const Token& opening, const Token& key, const Token& equals,
                          const Token& entry) {
    if (is_end_of_stanza(equals)) {
      report(opening, "the dictionary [ is not closed: write ] behind its last value");
      // `key {` is the stanza that follows.
      return lexer_.back_to(equals.kind == Kind::kOpenBrace ? key : equals);
    }
    if (entry.kind == Kind::kBroken) {
      report(entry, entry.text);
    } else {
      report(key, key.found() + ": an entry of a dictionary must be " + key.found() +
                      " = VALUE, where VALUE is a word or a string");
      lexer_.back_to(entry);
    }
    skip_dictionary();
  }

  static bool is_end_of_stanza(const Token& token) {
    return token.kind == Kind::kOpenBrace || token.kind == Kind::kCloseBrace ||
           token.kind == Kind::kEnd;
  }

  /// Goes behind the next `]`, but not past the end of the stanza.
  void skip_dictionary() {
    for (;;) {
      const Token token = lexer_.next();
      if (token.kind == Kind::kCloseBracket) return;
      if (is_end_of_stanza(token)) return lexer_.back_to(token);
    }
  }

  /// A bracket was not closed before `token`. In `a = ( x`, newline, `b = y` the list has taken
  /// the `b`: give it back.
  void resume_after(const Token& opening, const Token& last, const Token& token) {
    const bool took_key = last.kind == Kind::kWord && last.line > opening.line &&
                          (token.kind == Kind::kEquals || token.kind == Kind::kOpenBrace ||
                           token.kind == Kind::kOpenBracket);
    lexer_.back_to(took_key ? last : token);
    if (!took_key) skip_line(token.line);
  }

  void include(Node& node, const Token& key) {
    const Token path = lexer_.next();
    if (!path.is_text() || path.text.empty() ||
        (path.kind == Kind::kWord && path.line > key.line)) {
      report(key,
             key.found() + ": must be followed by a path, as in " + key.found() + " \"conf.d\"");
      lexer_.back_to(path);
      return skip_line(key.line);
    }
    const std::string what = key.found() + " " + text::quote(path.text);
    for (const std::string& candidate : candidates(path.text)) {
      switch (kind_of_path(candidate)) {
        case PathKind::kMissing:
          break;
        case PathKind::kFile:
          return include_file(reading_, node, candidate, at(key), what);
        case PathKind::kFolder:
          return include_folder(node, candidate, at(key), what);
      }
    }
    std::string looked;
    for (const std::string& candidate : candidates(path.text)) looked += ", " + candidate;
    report(key, what + ": no such file or folder; looked for " + text::escape(looked.substr(2)));
  }

  std::vector<std::string> candidates(const std::string& path) const {
    if (path.starts_with('/')) return {path};
    std::vector<std::string> paths = {folder_ == "." ? path : folder_ + "/" + path};
    for (const std::string& folder : reading_.search_path) paths.push_back(folder + "/" + path);
    return paths;
  }

  void include_folder(Node& node, const std::string& folder, const Place& place,
                      const std::string& what) {
    auto files = files_of_folder(folder);
    if (!files) return reading_.tree.report(place, what + ": " + files.error().what);
    for (const std::string& file : *files) include_file(reading_, node, file, place, what);
  }

  Reading& reading_;
  LexerView lexer_;
  const std::string file_;
  const std::string folder_;
};

void parse(Reading& reading, Node& node, std::string_view text, const std::string& file,
           const std::string& folder) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // the mark some editors write
  if (const int line = first_binary_line(text)) {
    return reading.tree.report({file, line}, "not a text file: has control characters here");
  }
  FileParser(reading, text, file, folder).body(node, nullptr);
}

/// Reads a file into `node`. `place` and `what` are the include directive, for messages.
void include_file(Reading& reading, Node& node, const std::string& path, const Place& place,
                  const std::string& what) {
  const auto refuse = [&](const std::string& why) {
    reading.tree.report(place, what + ": " + why);
  };
  if (reading.open_files.size() >= kDeepestInclude) {
    return refuse("files include each other more than " + std::to_string(kDeepestInclude) +
                  " deep");
  }
  if (reading.files.size() >= kMostFiles || reading.bytes > kMostBytes) {
    return refuse("too much is included: at most " + std::to_string(kMostFiles) + " files and " +
                  std::to_string(kMostBytes / 1024 / 1024) + " MiB in all");
  }
  auto file = read_file(path);
  if (!file) return refuse(text::escape(path) + ": " + file.error().what);
  const std::pair<dev_t, ino_t> identity(file->device, file->inode);
  for (const auto& open : reading.open_files) {
    if (open == identity) {
      return refuse(text::escape(path) + " includes itself, perhaps through others");
    }
  }
  reading.bytes += file->text.size();
  reading.files.push_back(path);
  reading.open_files.push_back(identity);
  parse(reading, node, file->text, path, folder_of(path));
  reading.open_files.pop_back();
}

Parsed finish(Reading& reading) {
  return {reading.tree.take_root(), reading.tree.take_problems(), std::move(reading.files)};
}

}  // namespace

Parsed parse_file(const std::string& path, const std::vector<std::string>& search_path) {
  Reading reading{TreeBuilder({path, 1}), search_path, {}, {}, 0, 0};
  if (auto file = read_file(path)) {
    reading.files.push_back(path);
    reading.open_files.emplace_back(file->device, file->inode);
    parse(reading, reading.tree.root(), file->text, path, folder_of(path));
  } else {
    reading.tree.report({path, 0}, file.error().what);
  }
  return finish(reading);
}

Parsed parse_text(std::string_view text, const std::string& file_name,
                  const std::string& base_directory) {
  Reading reading{TreeBuilder({file_name, 1}), {}, {}, {}, 0, 0};
  parse(reading, reading.tree.root(), text, file_name, base_directory);
  return finish(reading);
}

}  // namespace impulse::config
