// Bytes to elements: expat in namespace mode, bounded while parsing (RFC 6120 section 11).
// @rfc 6120 11 complete
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "modules/xmpp/element.h"
#include "modules/xmpp/error.h"

namespace impulse::xmpp {

/// Bounds of one first-level element, checked while its bytes are parsed, before memory is spent.
struct ParserLimits {
  std::uint32_t bytes = 8 * 1024;  ///< from `<` to its end; also bounds any token
  std::uint32_t elements = 64;
  std::uint32_t depth = 128;
  std::uint32_t attributes = 64;  ///< of one element
};

/// The attributes of an opening stream tag.
struct StreamHeader {
  std::string name_ns;     ///< namespace of the tag itself; must be ns::kStreams
  std::string content_ns;  ///< default namespace: jabber:client, jabber:server ...
  std::string to, from, id, version, lang;
  bool is_stream_tag = false;  ///< is <stream> of any namespace
};

/// Who is told what was parsed.
class ParserSink {
 public:
  virtual void on_stream_start(const StreamHeader& header) = 0;
  /// One complete first-level element. `bytes` is its size on the wire.
  virtual void on_element(Document element, std::size_t bytes) = 0;
  virtual void on_stream_end() = 0;
  /// Nothing is parsed after this.
  virtual void on_parse_error(const StreamError& error) = 0;

 protected:
  ~ParserSink() = default;
};

class ExpatParser;

/// Expat parsers waiting for work: one pool for each loop. Parsers in the pool have an open stream
/// tag of the usual shape, so that an idle connection needs none of its own. Home.
class ParserPool {
 public:
  ParserPool();
  ~ParserPool();
  ParserPool(const ParserPool&) = delete;
  ParserPool& operator=(const ParserPool&) = delete;
  std::size_t idle_count() const { return idle_.size(); }

 private:
  friend class StreamParser;
  /// Inside an open stream tag of the usual shape.
  std::unique_ptr<ExpatParser> take_open();
  /// Before a document.
  std::unique_ptr<ExpatParser> take_fresh();
  void give_back(std::unique_ptr<ExpatParser> parser);
  std::vector<std::unique_ptr<ExpatParser>> idle_;
};

/// The parser of one connection. Holds an expat parser only from the first byte of an element to
/// its last; between stanzas it is a few dozen bytes. Home; may move with its connection while
/// idle() (bytes not yet parsed are the caller's).
class StreamParser {
 public:
  explicit StreamParser(ParserPool& pool);
  ~StreamParser();
  StreamParser(const StreamParser&) = delete;
  StreamParser& operator=(const StreamParser&) = delete;

  /// Parses; calls the sink in order. Returns how many bytes were taken: fewer than given only
  /// when stop() was called inside a callback (then up to the end of that element).
  std::size_t feed(std::span<const char> bytes, ParserSink& sink);
  /// Inside a callback: take no more of these bytes.
  void stop();
  /// The next byte begins a new stream (after STARTTLS and SASL, RFC 6120 section 4.3.3).
  void restart();
  void set_limits(const ParserLimits& limits) { limits_ = limits; }
  const ParserLimits& limits() const { return limits_; }
  /// Holds no expat parser: stands between two elements (or before the stream).
  bool is_idle() const { return parser_ == nullptr; }
  /// Moves to another loop's pool; only while is_idle(), or it takes its parser along.
  void set_pool(ParserPool& pool) { pool_ = &pool; }

 private:
  void take_parser();
  void drop_parser();
  void begin_anew();
  void settle(ParserSink& sink);

  ParserPool* pool_;
  std::unique_ptr<ExpatParser> parser_;
  /// The stream tag as it was opened, when it has not the usual shape (other prefixes declared);
  /// such a connection keeps its own parser.
  std::unique_ptr<const std::string> own_header_;
  ParserLimits limits_;
  bool in_stream_ = false;
  bool is_over_ = false;  ///< after an error or the end of the stream
  bool is_feeding_ = false;
  bool must_stop_ = false;
  bool must_restart_ = false;
};

/// One element from text (tests, Lua's xml.parsexml, xmpp:send). Same bounds as a stanza after
/// authentication unless given. The default namespace of the root is `context` when it names none.
IMPULSE_EXPORT Result<Document> parse_element(std::string_view text,
                                              std::string_view context = "jabber:client",
                                              const ParserLimits& limits = {262144, 65536, 128,
                                                                            64});

}  // namespace impulse::xmpp
