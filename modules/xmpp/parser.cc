// The parser of a connection and the pool it borrows from; one element out of a text.
#include "modules/xmpp/parser.h"

#include <algorithm>

#include "host/base/check.h"
#include "modules/xmpp/expat_parser.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

constexpr std::size_t kPoolSize = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Does a document begin as only UTF-16 or UTF-32 text does?
bool is_wide_encoding(std::span<const char> bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  return first == 0xFE || first == 0xFF || first == 0 ||
         (first == '<' && bytes.size() > 1 && bytes[1] == '\0');
}

}  // namespace

ParserPool::ParserPool() = default;
ParserPool::~ParserPool() = default;

std::unique_ptr<ExpatParser> ParserPool::take_open() {
  if (idle_.empty()) {
    auto parser = std::make_unique<ExpatParser>();
    parser->open(kUsualHeader);
    return parser;
  }
  auto parser = std::move(idle_.back());
  idle_.pop_back();
  if (parser->is_fresh()) parser->open(kUsualHeader);
  return parser;
}

std::unique_ptr<ExpatParser> ParserPool::take_fresh() {
  if (idle_.empty()) return std::make_unique<ExpatParser>();
  auto parser = std::move(idle_.back());
  idle_.pop_back();
  if (!parser->is_fresh()) parser->reset();
  return parser;
}

void ParserPool::give_back(std::unique_ptr<ExpatParser> parser) {
  // What a parser has learnt and the room it has taken go with it: none here is larger for having
  // met a stranger.
  if (idle_.size() >= kPoolSize || parser->is_worn() || parser->error()) return;
  if (!parser->is_usual()) parser->reset();
  idle_.push_back(std::move(parser));
}

StreamParser::StreamParser(ParserPool& pool) : pool_(&pool) {}
StreamParser::~StreamParser() = default;

void StreamParser::take_parser() {
  if (!in_stream_) {
    parser_ = pool_->take_fresh();
  } else if (own_header_ == nullptr) {
    parser_ = pool_->take_open();
  } else {
    parser_ = pool_->take_fresh();
    parser_->open(*own_header_);
  }
}

void StreamParser::drop_parser() {
  if (parser_ != nullptr) pool_->give_back(std::move(parser_));
}

void StreamParser::begin_anew() {
  drop_parser();
  own_header_.reset();
  in_stream_ = is_over_ = must_restart_ = false;
}

void StreamParser::stop() {
  must_stop_ = true;
  if (is_feeding_) parser_->stop();
}

void StreamParser::restart() {
  if (!is_feeding_) return begin_anew();
  must_restart_ = true;
  parser_->stop();
}

std::size_t StreamParser::feed(std::span<const char> bytes, ParserSink& sink) {
  IMPULSE_CHECK(!is_feeding_);
  must_stop_ = false;
  std::size_t taken = 0;
  while (taken < bytes.size() && !must_stop_) {
    if (is_over_) return bytes.size();
    if (parser_ == nullptr) {
      // Whitespace between elements, and before a stream, is a sign of life and nothing else.
      while (taken < bytes.size() && is_space(bytes[taken])) ++taken;
      if (taken == bytes.size()) break;
      if (!in_stream_ && is_wide_encoding(bytes.subspan(taken))) {
        is_over_ = true;
        sink.on_parse_error({StreamCondition::kUnsupportedEncoding, "The encoding must be UTF-8."});
        return bytes.size();
      }
      take_parser();
    }
    is_feeding_ = true;
    taken += parser_->parse(bytes.subspan(taken), sink, limits_);
    is_feeding_ = false;
    settle(sink);
  }
  return taken;
}

// After a parse: what must be remembered, and whether the parser is kept.
void StreamParser::settle(ParserSink& sink) {
  if (must_restart_) return begin_anew();
  if (const auto& error = parser_->error()) {
    const StreamError copy = *error;
    parser_.reset();
    is_over_ = true;
    sink.on_parse_error(copy);
    return;
  }
  if (parser_->has_ended()) {
    is_over_ = true;
    return drop_parser();
  }
  if (!in_stream_ && parser_->is_in_stream()) {
    in_stream_ = true;
    if (!parser_->has_usual_header()) {
      own_header_ = std::make_unique<const std::string>(parser_->header());
    }
  }
  // Stopped, it cannot go on; the next bytes are another's, who starts where this one stood.
  const bool is_idle_now = parser_->is_usual();
  if (parser_->is_stopped() || is_idle_now) drop_parser();
}

namespace {

// Takes the one element of a text.
class OneElement final : public ParserSink {
 public:
  void on_stream_start(const StreamHeader&) override {}
  void on_element(Document element, std::size_t) override {
    if (count_++ == 0) element_ = std::move(element);
  }
  void on_stream_end() override { count_ = 2; }
  void on_parse_error(const StreamError&) override {}

  std::size_t count() const { return count_; }
  Document take() { return std::move(element_); }

 private:
  Document element_;
  std::size_t count_ = 0;
};

}  // namespace

Result<Document> parse_element(std::string_view text, std::string_view context,
                               const ParserLimits& limits) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string header = "<stream:stream xmlns='";
  escape_attribute(header, context);
  header.append("' xmlns:stream='").append(ns::kStreams).append("'>");
  ExpatParser parser;
  parser.open(header);
  OneElement sink;
  std::size_t taken = 0;
  // A parser that has seen a large element stops behind it; what follows must be nothing.
  if (!text.empty()) taken = parser.parse(text, sink, limits);
  if (parser.error()) {
    const bool is_limit = parser.error()->condition == StreamCondition::kPolicyViolation;
    return Error{is_limit ? ErrorCode::kTooBig : ErrorCode::kInvalid,
                 "XML: " + parser.error()->text};
  }
  const bool is_complete =
      taken == text.size() && (parser.is_stopped() || parser.is_between_elements());
  if (sink.count() != 1 || !is_complete) {
    return Error{ErrorCode::kInvalid, "XML: must be exactly one complete element"};
  }
  return sink.take();
}

}  // namespace impulse::xmpp
