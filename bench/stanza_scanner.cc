// Cuts an XMPP byte stream into its top-level elements without a full parser.
#include "stanza_scanner.h"

namespace impulse::bench {

void StanzaScanner::append(std::string_view bytes) {
  buffer_.erase(0, start_);
  position_ -= start_;
  start_ = 0;
  buffer_.append(bytes);
}

void StanzaScanner::reset() {
  buffer_.clear();
  start_ = position_ = 0;
  depth_ = 0;
}

std::size_t StanzaScanner::find_tag_end(std::size_t open) const {
  char quote = 0;
  for (auto at = open + 1; at < buffer_.size(); ++at) {
    const char c = buffer_[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '>') {
      return at;
    }
  }
  return std::string::npos;
}

std::optional<std::string_view> StanzaScanner::next() {
  while (true) {
    const auto open = buffer_.find('<', position_);
    const bool is_between = depth_ <= 1;
    if (open == std::string::npos) {
      position_ = buffer_.size();
      if (is_between) start_ = position_;
      return std::nullopt;
    }
    if (is_between) start_ = open;
    position_ = open;
    const auto end = find_tag_end(open);
    if (end == std::string::npos) return std::nullopt;
    position_ = end + 1;

    const char kind = buffer_[open + 1];
    if (kind == '?') continue;
    const bool is_header = depth_ == 0;
    if (kind == '/') {
      --depth_;
    } else if (buffer_[end - 1] != '/') {
      ++depth_;
    }
    if (is_header || depth_ <= 1) {
      // A child that has just opened is not complete yet; everything else at this depth is.
      const auto element = std::string_view(buffer_).substr(start_, position_ - start_);
      start_ = position_;
      return element;
    }
  }
}

std::string_view attribute(std::string_view element, std::string_view name) {
  const auto tag = element.substr(0, element.find('>'));
  for (auto at = tag.find(name); at != std::string_view::npos; at = tag.find(name, at + 1)) {
    const auto equals = at + name.size();
    if (at == 0 || tag[at - 1] != ' ' || equals + 1 >= tag.size() || tag[equals] != '=') continue;
    const auto close = tag.find(tag[equals + 1], equals + 2);
    if (close == std::string_view::npos) return {};
    return tag.substr(equals + 2, close - equals - 2);
  }
  return {};
}

std::string_view text_of(std::string_view element, std::string_view name) {
  const auto open_tag = '<' + std::string(name) + '>';
  const auto open = element.find(open_tag);
  if (open == std::string_view::npos) return {};
  const auto begin = open + open_tag.size();
  const auto close = element.find("</", begin);
  return close == std::string_view::npos ? std::string_view{}
                                         : element.substr(begin, close - begin);
}

bool is_element(std::string_view element, std::string_view name) {
  if (element.size() < name.size() + 2 || element.substr(1, name.size()) != name) return false;
  const char after = element[name.size() + 1];
  return after == ' ' || after == '>' || after == '/';
}

}  // namespace impulse::bench
