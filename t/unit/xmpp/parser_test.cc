// Tests of the stream parser: RFC 6120 sections 4 and 11, limits, and the pool it borrows from.
#include "modules/xmpp/parser.h"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

const std::string kUsual =
    "<?xml version='1.0'?><stream:stream to='example.com' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'>";
const std::string kOther =
    "<s:stream to='example.com' xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
    "xmlns:s='http://etherx.jabber.org/streams' version='1.0'>";

// Writes down what it is told, and does what a test wants at an element.
class Log final : public ParserSink {
 public:
  void on_stream_start(const StreamHeader& header) override {
    last_header = header;
    lines.push_back("header");
  }
  void on_element(Document element, std::size_t bytes) override {
    lines.push_back(to_xml(element.root(), last_header.content_ns));
    sizes.push_back(bytes);
    if (at_element) at_element(element.root());
  }
  void on_stream_end() override { lines.push_back("end"); }
  void on_parse_error(const StreamError& e) override {
    lines.push_back("error");
    error = e;
  }
  std::string all() const {
    std::string out;
    for (const auto& line : lines) out += line + "\n";
    return out;
  }

  std::vector<std::string> lines;
  std::vector<std::size_t> sizes;
  StreamHeader last_header;
  std::optional<StreamError> error;
  std::function<void(const Element&)> at_element;
};

class StreamParserTest : public testing::Test {
 protected:
  std::size_t feed(const std::string& bytes) { return parser.feed(bytes, log); }
  StreamCondition condition() const {
    return log.error ? log.error->condition : StreamCondition::kUndefinedCondition;
  }
  ParserPool pool;
  StreamParser parser{pool};
  Log log;
};

TEST_F(StreamParserTest, HeaderIsReportedWithItsAttributes) {
  feed(kUsual);
  EXPECT_TRUE(log.last_header.is_stream_tag);
  EXPECT_EQ(log.last_header.name_ns, "http://etherx.jabber.org/streams");
  EXPECT_EQ(log.last_header.content_ns, "jabber:client");
  EXPECT_EQ(log.last_header.to, "example.com");
  EXPECT_EQ(log.last_header.version, "1.0");
  EXPECT_EQ(log.last_header.lang, "en");
}

TEST_F(StreamParserTest, ElementIsTheSameInWhateverPiecesItComes) {
  const std::string element =
      "<message to='a@b'><body>one &amp; \xC3\xA9 two<![CDATA[<&]]></body><x xmlns='u' "
      "xmlns:p='q' p:a='1'/></message>";
  for (const std::string& header : {kUsual, kOther}) {
    Log whole;
    StreamParser first(pool);
    first.feed(header + element + "\n" + element + "</" +
                   (header == kUsual ? "stream:stream>" : "s:stream>"),
               whole);
    ASSERT_EQ(whole.lines.size(), 4u) << whole.all();
    EXPECT_EQ(whole.lines.back(), "end");
    EXPECT_EQ(whole.sizes, std::vector<std::size_t>(2, element.size()));
    for (std::size_t piece = 1; piece < 9; ++piece) {
      Log pieces;
      StreamParser second(pool);
      const std::string all = header + element + "\n" + element + "</" +
                              (header == kUsual ? "stream:stream>" : "s:stream>");
      for (std::size_t i = 0; i < all.size(); i += piece) {
        second.feed(std::string_view(all).substr(i, piece), pieces);
      }
      EXPECT_EQ(pieces.lines, whole.lines) << piece;
      EXPECT_EQ(pieces.sizes, whole.sizes) << piece;
    }
  }
}

TEST_F(StreamParserTest, IdleConnectionHoldsNoParser) {
  feed(kUsual);
  EXPECT_TRUE(parser.is_idle());
  feed("<presence/>");
  EXPECT_TRUE(parser.is_idle());
  feed(" \n");
  EXPECT_TRUE(parser.is_idle());
  feed("<presence");
  EXPECT_FALSE(parser.is_idle());
  feed("/>");
  EXPECT_TRUE(parser.is_idle());
  EXPECT_EQ(pool.idle_count(), 1u);
}

TEST_F(StreamParserTest, ConnectionsSharingAPoolDoNotMix) {
  Log other_log;
  StreamParser other(pool);
  feed(kUsual);
  other.feed(kUsual, other_log);
  feed("<message id='1'>");
  other.feed(std::string("<message id='2'>"), other_log);
  feed("</message>");
  other.feed(std::string("</message>"), other_log);
  EXPECT_EQ(log.lines.back(), "<message id='1'/>");
  EXPECT_EQ(other_log.lines.back(), "<message id='2'/>");
}

TEST_F(StreamParserTest, OwnPrefixesStayDeclaredForTheLifeOfTheStream) {
  feed(kOther);
  for (int i = 0; i < 3; ++i) feed("<db:result/>");
  EXPECT_EQ(log.lines.back(), "<result xmlns='jabber:server:dialback'/>");
  // Not even another connection's prefixes are known to one of the usual shape.
  Log usual;
  StreamParser next(pool);
  next.feed(kUsual, usual);
  next.feed(std::string("<db:result/>"), usual);
  ASSERT_TRUE(usual.error);
  EXPECT_EQ(usual.error->condition, StreamCondition::kNotWellFormed);
}

TEST_F(StreamParserTest, ParserIsReplacedBeforeItsTablesGrow) {
  for (const std::string& header : {kUsual, kOther}) {
    Log many;
    StreamParser busy(pool);
    busy.feed(header, many);
    std::string bytes;
    for (int i = 0; i < 10000; ++i) bytes += "<n" + std::to_string(i) + "/>";
    // Never a moment between two elements: the cut must be made inside.
    for (std::size_t i = 0; i < bytes.size(); i += 7) {
      busy.feed(std::string_view(bytes).substr(i, 7), many);
    }
    EXPECT_EQ(many.lines.size(), 10001u);
    EXPECT_EQ(many.lines.back(), "<n9999/>");
    EXPECT_FALSE(many.error);
  }
}

TEST_F(StreamParserTest, StopLeavesTheRestToTheCaller) {
  feed(kUsual);
  log.at_element = [this](const Element&) { parser.stop(); };
  EXPECT_EQ(feed("<a/><b/>"), 4u);
  EXPECT_EQ(log.lines.back(), "<a/>");
  EXPECT_TRUE(parser.is_idle());
  log.at_element = nullptr;
  EXPECT_EQ(feed("<b/>"), 4u);
  EXPECT_EQ(log.lines.back(), "<b/>");
}

TEST_F(StreamParserTest, StopTakesTheEndOfAnElementBegunEarlier) {
  feed(kOther);
  log.at_element = [this](const Element&) { parser.stop(); };
  feed("<a><c>");
  EXPECT_EQ(feed("</c></a><db:b/>"), 8u);
  EXPECT_EQ(feed("<db:b/>"), 7u);
  EXPECT_EQ(log.lines.back(), "<b xmlns='jabber:server:dialback'/>");
}

TEST_F(StreamParserTest, RestartInsideAnElementBeginsANewStreamBehindIt) {  // section 4.3.3
  feed(kOther);
  log.at_element = [this](const Element& e) {
    if (e.name() == "auth") parser.restart();
  };
  feed("<auth/>\n" + kUsual + "<iq/>");
  EXPECT_EQ(log.lines, (std::vector<std::string>{"header", "<auth/>", "header", "<iq/>"}));
  EXPECT_TRUE(parser.is_idle());
  parser.restart();
  feed(kOther + "<db:a/>");
  EXPECT_EQ(log.lines.back(), "<a xmlns='jabber:server:dialback'/>");
}

TEST_F(StreamParserTest, NothingIsReadAfterTheEndOrAnError) {
  feed(kUsual + "</stream:stream><iq/>");
  feed("<iq/>");
  EXPECT_EQ(log.lines, (std::vector<std::string>{"header", "end"}));
  parser.restart();
  feed(kUsual + "<a></b>");
  EXPECT_EQ(feed("<iq/>"), 5u);
  EXPECT_EQ(log.lines.back(), "error");
}

struct BadRow {
  const char* name;
  std::string bytes;
  StreamCondition condition;
};
void PrintTo(const BadRow& row, std::ostream* out) { *out << row.name; }
class ForbiddenXml : public testing::TestWithParam<BadRow> {};

TEST_P(ForbiddenXml, EndsTheStreamWholeAndInPieces) {
  for (const std::size_t piece : {std::size_t{4096}, std::size_t{2}}) {
    ParserPool pool;
    StreamParser parser(pool);
    Log log;
    const std::string& bytes = GetParam().bytes;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      parser.feed(std::string_view(bytes).substr(i, piece), log);
    }
    ASSERT_TRUE(log.error) << log.all();
    EXPECT_EQ(name_of(log.error->condition), name_of(GetParam().condition)) << log.error->text;
    EXPECT_EQ(log.lines.back(), "error");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Rfc6120Section11, ForbiddenXml,
    testing::Values(
        BadRow{"Comment", kUsual + "<!-- x -->", StreamCondition::kRestrictedXml},
        BadRow{"CommentInStanza", kUsual + "<a><!-- x --></a>", StreamCondition::kRestrictedXml},
        BadRow{"ProcessingInstruction", kUsual + "<?php x?>", StreamCondition::kRestrictedXml},
        BadRow{"Doctype", "<!DOCTYPE a [<!ENTITY b 'c'>]>" + kUsual,
               StreamCondition::kRestrictedXml},
        BadRow{"UnknownEntity", kUsual + "<a>&foo;</a>", StreamCondition::kNotWellFormed},
        BadRow{"SecondXmlDeclaration", kUsual + "<?xml version='1.0'?>",
               StreamCondition::kNotWellFormed},
        BadRow{"SecondHeader", kUsual + "<stream:stream>", StreamCondition::kNotWellFormed},
        BadRow{"WrongEndTag", kUsual + "<a></b>", StreamCondition::kNotWellFormed},
        BadRow{"UnboundPrefix", kUsual + "<x:a/>", StreamCondition::kNotWellFormed},
        BadRow{"TwiceTheSameAttribute", kUsual + "<a b='' b=''/>", StreamCondition::kNotWellFormed},
        BadRow{"ControlCharacter", kUsual + "<a>\x01</a>", StreamCondition::kNotWellFormed},
        BadRow{"NotUtf8", kUsual + "<a>\xC3(</a>", StreamCondition::kNotWellFormed},
        BadRow{"TextBetweenStanzas", kUsual + "<a/>text", StreamCondition::kBadFormat},
        BadRow{"Latin1", "<?xml version='1.0' encoding='ISO-8859-1'?>" + kUsual.substr(21),
               StreamCondition::kUnsupportedEncoding},
        BadRow{"Utf16", std::string("\xFF\xFE<\0s\0", 6), StreamCondition::kUnsupportedEncoding},
        BadRow{"Utf16Big", std::string("\xFE\xFF\0<\0s", 6), StreamCondition::kUnsupportedEncoding},
        BadRow{"Utf16WithoutMark", std::string("<\0s\0t\0", 6),
               StreamCondition::kUnsupportedEncoding}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(StreamParserTest, Utf8MayBeDeclaredInAnyCase) {  // RFC 6120 section 11.6
  feed("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8'?>" + kUsual.substr(21) + "<a/>");
  EXPECT_FALSE(log.error);
  EXPECT_EQ(log.lines.back(), "<a/>");
}

TEST_F(StreamParserTest, LangOfTheHeaderIsNotPutIntoElements) {
  feed(kUsual + "<a/>");
  EXPECT_EQ(log.lines.back(), "<a/>");
}

TEST_F(StreamParserTest, StanzaOfExactlyTheLimitPassesAndOneByteMoreDoesNot) {
  const std::string element = "<a>" + std::string(93, 'x') + "</a>";
  ASSERT_EQ(element.size(), 100u);
  parser.set_limits({.bytes = 200});
  feed(kUsual);
  parser.set_limits({.bytes = 100});
  feed(element + element);
  EXPECT_EQ(log.lines.size(), 3u);
  EXPECT_FALSE(log.error);
  parser.set_limits({.bytes = 99});
  feed(element);
  EXPECT_EQ(condition(), StreamCondition::kPolicyViolation);
  EXPECT_EQ(log.error->text, "A stanza may have at most 99 bytes.");
}

TEST_F(StreamParserTest, LimitsOfElementsDepthAndAttributesAreNamed) {
  const auto text_for = [this](const std::string& bytes, ParserLimits limits) {
    parser.restart();
    log.error.reset();
    parser.set_limits(ParserLimits{});
    feed(kUsual);
    parser.set_limits(limits);
    feed(bytes);
    return log.error ? log.error->text : "none";
  };
  EXPECT_EQ(text_for("<a><b/><c/></a>", {.elements = 3}), "none");
  EXPECT_EQ(text_for("<a><b/><c/></a>", {.elements = 2}), "A stanza may have at most 2 elements.");
  EXPECT_EQ(text_for("<a><b><c/></b></a>", {.depth = 3}), "none");
  EXPECT_EQ(text_for("<a><b><c/></b></a>", {.depth = 2}), "A stanza may have at most 2 levels.");
  EXPECT_EQ(text_for("<a b='' xmlns:c='d'/>", {.attributes = 2}), "none");
  EXPECT_EQ(text_for("<a b='' xmlns:c='d'/>", {.attributes = 1}),
            "An element may have at most 1 attributes.");
}

TEST_F(StreamParserTest, TokenThatNeverEndsIsBounded) {
  feed(kUsual);
  for (const char* start : {"<a b='", "<", "<a>", "<![CDATA[", "</"}) {
    parser.restart();
    log.error.reset();
    feed(kUsual + start);
    std::size_t fed = 0;
    while (!log.error && fed < 20000) fed += feed(std::string(100, 'x'));
    EXPECT_LE(fed, 8300u) << start;
    ASSERT_TRUE(log.error) << start;
  }
}

TEST_F(StreamParserTest, HeaderThatNeverEndsIsBounded) {
  std::size_t fed = feed("<stream:stream to='");
  while (!log.error && fed < 20000) fed += feed(std::string(100, 'x'));
  EXPECT_LE(fed, 8300u);
  EXPECT_EQ(condition(), StreamCondition::kPolicyViolation);
}

TEST_F(StreamParserTest, LargeAttributeInSmallPiecesIsReadInLinearTime) {
  parser.set_limits({262144, 65536, 128, 64});
  feed(kUsual);
  feed("<a b='");
  for (int i = 0; i < 200000; ++i) feed("x");
  feed("'/>");
  ASSERT_FALSE(log.error);
  EXPECT_EQ(log.sizes.back(), 200009u);
  // Filled with '>' it cannot be told from a tag that ends, and is refused before it costs much.
  feed("<a b='");
  for (int i = 0; i < 200000 && !log.error; ++i) feed(">");
  EXPECT_EQ(condition(), StreamCondition::kPolicyViolation);
}

TEST(ParseElement, TakesOneElementInItsContext) {
  auto document = parse_element(" <a><b xmlns='c'/></a>\n", "jabber:server");
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->root().is("a", "jabber:server"));
  EXPECT_NE(document->root().child("b", "c"), nullptr);
}

TEST(ParseElement, RefusesAnythingElse) {
  for (const char* text : {"", " ", "text", "<a/><b/>", "<a/>text", "<a>", "<a", "</stream:stream>",
                           "<a/></stream:stream>", "<!-- --><a/>", "<a>&b;</a>"}) {
    EXPECT_FALSE(parse_element(text)) << text;
  }
  const std::string large = "<a>" + std::string(40000, 'x') + "</a>";
  EXPECT_TRUE(parse_element(large));
  EXPECT_FALSE(parse_element(large + "<b/>"));
  EXPECT_EQ(parse_element(large, "x", {.bytes = 1000}).error().code, ErrorCode::kTooBig);
}

}  // namespace
}  // namespace impulse::xmpp
