// Expat's events turned into elements; whatever XMPP forbids or a limit refuses ends the parse.
#include "modules/xmpp/expat_parser.h"

#include <algorithm>
#include <cstring>

#include "host/base/check.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

// Between namespace and name; XML 1.0 has no such character, so neither can contain it.
constexpr char kSeparator = '\x1F';
// Expat copies what it is given; small slices keep that buffer small and find limits early.
constexpr std::size_t kSlice = 4096;
// A token longer than this is waited for without asking expat at every piece.
constexpr std::size_t kLargeToken = 2048;
constexpr std::size_t kRescansOfLimit = 64;

constexpr std::size_t kWornBytes = 1024 * 1024;
constexpr std::size_t kWornElements = 4096;
constexpr std::size_t kWornLargest = 32 * 1024;  // its buffer stays large

struct Name {
  std::string_view ns;
  std::string_view local;
};

Name split(const char* expat_name) {
  const std::string_view name = expat_name;
  const std::size_t separator = name.rfind(kSeparator);
  if (separator == std::string_view::npos) return {{}, name};
  return {name.substr(0, separator), name.substr(separator + 1)};
}

bool is_whitespace(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_utf8_name(std::string_view encoding) {
  constexpr std::string_view kUtf8 = "UTF-8";
  return std::equal(encoding.begin(), encoding.end(), kUtf8.begin(), kUtf8.end(),
                    [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
}

StreamError from_expat(XML_Error code) {
  const std::string text = XML_ErrorString(code);
  switch (code) {
    case XML_ERROR_NO_MEMORY:
      return {StreamCondition::kResourceConstraint, text};
    case XML_ERROR_UNKNOWN_ENCODING:
    case XML_ERROR_INCORRECT_ENCODING:
      return {StreamCondition::kUnsupportedEncoding, text};
    default:
      return {StreamCondition::kNotWellFormed, text};
  }
}

}  // namespace

ExpatParser::ExpatParser() {
  const char separator[] = {kSeparator, '\0'};
  parser_.reset(XML_ParserCreateNS("UTF-8", *separator));
  IMPULSE_CHECK(parser_ != nullptr);
  prepare();
}

void ExpatParser::prepare() {
  XML_Parser parser = parser_.get();
  // With deferral, input that comes in small pieces would get no answer.
  XML_SetReparseDeferralEnabled(parser, XML_FALSE);
  XML_SetUserData(parser, this);
  XML_SetElementHandler(
      parser,
      [](void* data, const char* name, const char** attributes) {
        static_cast<ExpatParser*>(data)->on_start(name, attributes);
      },
      [](void* data, const char*) { static_cast<ExpatParser*>(data)->on_end(); });
  XML_SetCharacterDataHandler(parser, [](void* data, const char* text, int length) {
    static_cast<ExpatParser*>(data)->on_text({text, static_cast<std::size_t>(length)});
  });
  XML_SetStartNamespaceDeclHandler(parser, [](void* data, const char* prefix, const char* uri) {
    static_cast<ExpatParser*>(data)->on_namespace(prefix, uri);
  });
  XML_SetXmlDeclHandler(parser, [](void* data, const char*, const char* encoding, int) {
    if (encoding == nullptr || is_utf8_name(encoding)) return;
    static_cast<ExpatParser*>(data)->fail(StreamCondition::kUnsupportedEncoding,
                                          "The encoding must be UTF-8.");
  });
  // RFC 6120 section 11.1.
  XML_SetCommentHandler(parser, [](void* data, const char*) {
    static_cast<ExpatParser*>(data)->fail(StreamCondition::kRestrictedXml,
                                          "Comments are not allowed.");
  });
  XML_SetProcessingInstructionHandler(parser, [](void* data, const char*, const char*) {
    static_cast<ExpatParser*>(data)->fail(StreamCondition::kRestrictedXml,
                                          "Processing instructions are not allowed.");
  });
  XML_SetStartDoctypeDeclHandler(
      parser, [](void* data, const char*, const char*, const char*, int) {
        static_cast<ExpatParser*>(data)->fail(StreamCondition::kRestrictedXml,
                                              "Document type declarations are not allowed.");
      });
}

void ExpatParser::clear() {
  builder_.clear();
  text_.clear();
  hold_.clear();
  hold_.shrink_to_fit();
  header_.clear();
  default_ns_.clear();
  error_.reset();
  fed_ = last_end_ = element_start_ = rescanned_ = largest_ = all_elements_ = 0;
  elements_ = declarations_ = usual_declarations_ = depth_ = 0;
  has_usual_header_ = has_ended_ = is_stopped_ = false;
}

void ExpatParser::reset() {
  clear();
  IMPULSE_CHECK(XML_ParserReset(parser_.get(), "UTF-8") == XML_TRUE);
  prepare();
}

void ExpatParser::open(std::string_view header) {
  static constexpr ParserLimits kNone = {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
  limits_ = &kNone;
  sink_ = nullptr;
  feed_expat(header.data(), header.size());
  IMPULSE_CHECK(is_between_elements());
}

bool ExpatParser::is_worn() const {
  return fed_ > kWornBytes || all_elements_ > kWornElements || largest_ > kWornLargest;
}

std::size_t ExpatParser::event_start() const {
  return static_cast<std::size_t>(XML_GetCurrentByteIndex(parser_.get()));
}

std::size_t ExpatParser::event_end() const {
  return event_start() + static_cast<std::size_t>(XML_GetCurrentByteCount(parser_.get()));
}

void ExpatParser::stop() {
  if (is_stopped_) return;
  is_stopped_ = true;
  XML_StopParser(parser_.get(), XML_FALSE);
}

void ExpatParser::fail(StreamCondition condition, std::string text) {
  if (is_stopped_) return;
  error_ = StreamError{condition, std::move(text)};
  stop();
}

void ExpatParser::fail_by_limit(std::string_view what, std::size_t limit, std::string_view unit) {
  fail(StreamCondition::kPolicyViolation, std::string(what) + " may have at most " +
                                              std::to_string(limit) + " " + std::string(unit) +
                                              ".");
}

void ExpatParser::feed_expat(const char* bytes, std::size_t size) {
  fed_ += size;
  const XML_Status status = XML_Parse(parser_.get(), bytes, static_cast<int>(size), XML_FALSE);
  if (status == XML_STATUS_OK || is_stopped_) return;
  is_stopped_ = true;
  error_ = from_expat(XML_GetErrorCode(parser_.get()));
}

std::size_t ExpatParser::parse(std::span<const char> bytes, ParserSink& sink,
                               const ParserLimits& limits) {
  sink_ = &sink;
  limits_ = &limits;
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const char* slice = bytes.data() + taken;
    const std::size_t size = std::min(bytes.size() - taken, kSlice);
    // A token that is not complete is scanned from its start at each call. No element, header or
    // end is complete before a '>', so until one comes a large token is asked for only each time
    // that it has doubled: its cost stays linear however small the pieces are.
    const std::size_t pending = fed_ - last_end_;
    const std::size_t slice_start = fed_ + hold_.size();
    const bool may_wait = pending > kLargeToken && hold_.size() + size <= pending &&
                          std::memchr(slice, '>', size) == nullptr;
    if (may_wait) {
      hold_.append(slice, size);
    } else {
      rescanned_ += pending;
      if (hold_.empty()) {
        feed_expat(slice, size);
      } else {
        const std::string held = std::move(hold_);
        hold_ = std::string();
        feed_expat(held.data(), held.size());
        if (!is_stopped_) feed_expat(slice, size);
      }
    }
    if (is_stopped_) {
      // An error takes all; after stop() the rest belongs to what comes next.
      if (error_) return bytes.size();
      return taken + (last_end_ > slice_start ? last_end_ - slice_start : 0);
    }
    taken += size;
    const std::size_t start = depth_ > 1 ? element_start_ : last_end_;
    if (fed_ + hold_.size() - start > limits.bytes) {
      fail_by_limit("A stanza", limits.bytes, "bytes");
      return bytes.size();
    }
    // Only who fills a tag with '>' and sends it byte by byte comes here.
    if (rescanned_ > kRescansOfLimit * limits.bytes) {
      fail(StreamCondition::kPolicyViolation, "One tag came in too many pieces.");
      return bytes.size();
    }
  }
  return taken;
}

void ExpatParser::on_namespace(const char* prefix, const char* uri) {
  if (is_stopped_) return;
  ++declarations_;
  if (depth_ > 0) return;
  const std::string_view name = prefix == nullptr ? "" : prefix;
  const std::string_view value = uri == nullptr ? "" : uri;
  if (name == "xml") return;
  if (name.empty()) default_ns_ = value;
  const bool is_usual =
      (name.empty() && value == ns::kClient) || (name == "stream" && value == ns::kStreams);
  if (is_usual) ++usual_declarations_;
  header_ += name.empty() ? " xmlns" : " xmlns:";
  header_.append(name).append("='");
  escape_attribute(header_, value);
  header_ += '\'';
  // One that is not usual makes the count wrong for good.
  if (!is_usual) usual_declarations_ = 3;
}

std::string_view ExpatParser::raw_tag_name() const {
  int offset = 0;
  int size = 0;
  const char* buffer = XML_GetInputContext(parser_.get(), &offset, &size);
  IMPULSE_CHECK(buffer != nullptr && offset < size);
  const std::string_view tag(buffer + offset, static_cast<std::size_t>(size - offset));
  const std::size_t end = tag.find_first_of(" \t\r\n/>", 1);
  return tag.substr(1, end == std::string_view::npos ? end : end - 1);
}

void ExpatParser::on_header(const char* name, const char** attributes) {
  const auto [ns, local] = split(name);
  const std::string_view raw_name = raw_tag_name();
  has_usual_header_ = usual_declarations_ == 2 && raw_name == "stream:stream";
  StreamHeader header;
  header.name_ns = ns;
  header.is_stream_tag = local == "stream";
  for (; *attributes != nullptr; attributes += 2) {
    const Name attribute = split(attributes[0]);
    if (attribute.ns == ns::kXml && attribute.local == "lang") header.lang = attributes[1];
    if (!attribute.ns.empty()) continue;
    if (attribute.local == "to") header.to = attributes[1];
    if (attribute.local == "from") header.from = attributes[1];
    if (attribute.local == "id") header.id = attributes[1];
    if (attribute.local == "version") header.version = attributes[1];
  }
  header.content_ns = default_ns_;
  header_.insert(0, raw_name).insert(0, "<").append(">");
  depth_ = 1;
  if (sink_ != nullptr) sink_->on_stream_start(header);
}

void ExpatParser::on_start(const char* name, const char** attributes) {
  if (is_stopped_) return;
  last_end_ = event_end();
  const auto attribute_count =
      static_cast<std::size_t>(XML_GetSpecifiedAttributeCount(parser_.get()) / 2) + declarations_;
  declarations_ = 0;
  if (attribute_count > limits_->attributes) {
    return fail_by_limit("An element", limits_->attributes, "attributes");
  }
  if (depth_ == 0) {
    if (last_end_ > limits_->bytes) {
      return fail_by_limit("A stream header", limits_->bytes, "bytes");
    }
    return on_header(name, attributes);
  }
  const auto [ns, local] = split(name);
  if (depth_ == 1) {
    if (ns == ns::kStreams && local == "stream") {
      return fail(StreamCondition::kNotWellFormed, "A stream is open already.");
    }
    element_start_ = event_start();
    elements_ = 0;
  }
  flush_text();
  if (depth_ > limits_->depth) return fail_by_limit("A stanza", limits_->depth, "levels");
  if (++elements_ > limits_->elements) {
    return fail_by_limit("A stanza", limits_->elements, "elements");
  }
  if (last_end_ - element_start_ > limits_->bytes) {
    return fail_by_limit("A stanza", limits_->bytes, "bytes");
  }
  builder_.start(local, ns);
  for (; *attributes != nullptr; attributes += 2) {
    const Name attribute = split(attributes[0]);
    builder_.attribute(attribute.local, attributes[1], attribute.ns);
  }
  ++depth_;
}

void ExpatParser::on_end() {
  if (is_stopped_) return;
  last_end_ = event_end();
  if (--depth_ == 0) {
    has_ended_ = true;
    sink_->on_stream_end();
    stop();
    return;
  }
  flush_text();
  builder_.end();
  if (depth_ > 1) return;
  const std::size_t bytes = last_end_ - element_start_;
  if (bytes > limits_->bytes) return fail_by_limit("A stanza", limits_->bytes, "bytes");
  all_elements_ += elements_;
  largest_ = std::max(largest_, bytes);
  rescanned_ = 0;
  sink_->on_element(builder_.take(), bytes);
  if (is_worn()) stop();
}

void ExpatParser::on_text(std::string_view text) {
  if (is_stopped_) return;
  last_end_ = event_end();
  if (depth_ > 1) {
    text_ += text;
  } else if (!is_whitespace(text)) {
    fail(StreamCondition::kBadFormat, "Text may stand only inside an element.");
  }
}

void ExpatParser::flush_text() {
  if (text_.empty()) return;
  builder_.text(text_);
  text_.clear();
  if (text_.capacity() > kWornLargest) text_.shrink_to_fit();
}

}  // namespace impulse::xmpp
