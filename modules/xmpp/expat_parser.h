// One expat parser: its events as stream header, elements and end, within bounds.
#pragma once

#include <expat.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "host/base/owned.h"
#include "modules/xmpp/document_builder.h"
#include "modules/xmpp/parser.h"

namespace impulse::xmpp {

/// An expat parser and the tree it is building. One at a time.
class ExpatParser {
 public:
  ExpatParser();
  ExpatParser(const ExpatParser&) = delete;
  ExpatParser& operator=(const ExpatParser&) = delete;

  /// Back to before a document.
  void reset();
  /// Takes `header`, an opening stream tag of our own making, without telling a sink.
  void open(std::string_view header);

  /// Parses until all bytes are taken, stop() was called, or something ended it; returns how many
  /// bytes were taken. `limits` may change in a callback.
  std::size_t parse(std::span<const char> bytes, ParserSink& sink, const ParserLimits& limits);
  /// Inside a callback: nothing after this event. The parser must be reset before its next use.
  void stop();

  bool is_fresh() const { return fed_ == 0 && hold_.empty(); }
  bool is_stopped() const { return is_stopped_; }
  /// Inside a stream tag of the usual shape, with nothing begun.
  bool is_usual() const { return has_usual_header_ && is_between_elements(); }
  bool has_usual_header() const { return has_usual_header_; }
  bool is_between_elements() const {
    return depth_ == 1 && !is_stopped_ && last_end_ == fed_ && hold_.empty();
  }
  bool is_in_stream() const { return depth_ > 0; }
  bool has_ended() const { return has_ended_; }
  const std::optional<StreamError>& error() const { return error_; }
  /// The stream tag with its name and namespace declarations, to open another parser with.
  const std::string& header() const { return header_; }
  /// Has it seen so much that its tables (expat never forgets a name) should be dropped?
  bool is_worn() const;

 private:
  void prepare();
  void clear();
  void fail(StreamCondition condition, std::string text);
  void fail_by_limit(std::string_view what, std::size_t limit, std::string_view unit);
  void feed_expat(const char* bytes, std::size_t size);
  void on_start(const char* name, const char** attributes);
  void on_header(const char* name, const char** attributes);
  void on_end();
  void on_text(std::string_view text);
  void on_namespace(const char* prefix, const char* uri);
  void flush_text();
  std::string_view raw_tag_name() const;
  std::size_t event_start() const;
  std::size_t event_end() const;

  Owned<std::remove_pointer_t<XML_Parser>, &XML_ParserFree> parser_;
  DocumentBuilder builder_;
  std::string text_;        ///< character data not yet in the tree
  std::string hold_;        ///< bytes that cannot complete the large token that expat waits for
  std::string header_;      ///< see header(); while the tag is parsed, its declarations
  std::string default_ns_;  ///< of the stream tag
  ParserSink* sink_ = nullptr;
  const ParserLimits* limits_ = nullptr;
  std::optional<StreamError> error_;
  // Positions count bytes since the parser was fresh.
  std::size_t fed_ = 0;
  std::size_t last_end_ = 0;       ///< where the last event ended
  std::size_t element_start_ = 0;  ///< of the first-level element that is open
  std::size_t rescanned_ = 0;      ///< bytes expat saw again because their token was incomplete
  std::size_t largest_ = 0;        ///< bytes of the largest element
  std::size_t all_elements_ = 0;
  std::uint32_t elements_ = 0;
  std::uint32_t declarations_ = 0;  ///< namespace declarations of the tag being parsed
  std::uint32_t usual_declarations_ = 0;
  std::uint32_t depth_ = 0;  ///< 1 inside the stream tag
  bool has_usual_header_ = false;
  bool has_ended_ = false;
  bool is_stopped_ = false;
};

/// The stream tag that pooled parsers stand in.
inline constexpr std::string_view kUsualHeader =
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

}  // namespace impulse::xmpp
