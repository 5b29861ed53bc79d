// Tests of writing: namespaces, escapes, and that what is written reads as it was.
#include "modules/xmpp/writer.h"

#include <gtest/gtest.h>

#include "modules/xmpp/parser.h"

namespace impulse::xmpp {
namespace {

TEST(Writer, ReadsBackAsItWas) {
  for (const char* text : {
           "<a/>",
           "<a b='1'>t</a>",
           "<a xmlns='u'><b xmlns='v'/><c/></a>",
           "<a><b xmlns=''><c/></b></a>",
           "<a xml:lang='de'/>",
           "<a xmlns:p='u' xmlns:q='v' p:x='1' q:x='2' p:y='3' x='4'/>",
           "<p:a xmlns:p='u'><p:b/><c/></p:a>",
           "<a>&lt;&amp;&gt;&quot;&apos;]]&gt;</a>",
           "<a b='&lt;&amp;&gt;&quot;&apos;&#9;&#10;&#13;'>&#13;\n\t</a>",
           "<a>x<![CDATA[<y>]]>z<b/>w</a>",
           "<a xmlns='&lt;&apos;&amp;'/>",
           "<ns1:a xmlns:ns1='u' ns1:b='c'/>",
       }) {
    const auto first = parse_element(text);
    ASSERT_TRUE(first) << text << first.error().what;
    for (const char* context : {"jabber:client", "jabber:server", ""}) {
      const std::string written = to_xml(first->root(), context);
      const auto second = parse_element(written, context);
      ASSERT_TRUE(second) << written << second.error().what;
      EXPECT_EQ(to_xml(second->root(), context), written);
      EXPECT_EQ(to_xml(second->root(), "other"), to_xml(first->root(), "other")) << text;
    }
  }
}

TEST(Writer, DeclaresNamespacesOnlyWhereTheyDiffer) {
  const Document document = *parse_element("<a xmlns='u'><b><c xmlns='v'/></b></a>");
  EXPECT_EQ(to_xml(document.root(), "u"), "<a><b><c xmlns='v'/></b></a>");
  EXPECT_EQ(to_xml(document.root(), "v"), "<a xmlns='u'><b><c xmlns='v'/></b></a>");
}

TEST(Writer, CharactersThatXmlForbidsAreNeverWritten) {
  std::string out;
  escape_text(out, std::string_view("a\0b\x01\xC3(\xED\xA0\x80\uFFFE\u00E9", 15));
  EXPECT_TRUE(is_xml_text(out)) << out;
  EXPECT_NE(out.find("\u00E9"), std::string::npos);
  out.clear();
  // A lead byte must not swallow the quote that follows (stanza smuggling).
  escape_attribute(out, "\xC3'><x/>");
  EXPECT_EQ(out, "\uFFFD&apos;&gt;&lt;x/&gt;");
}

TEST(Writer, StartTagAndBodyMakeTheWholeForEachRecipient) {
  const Document document =
      *parse_element("<message from='x@y' to='z' id='1' xml:lang='en'><body>hi</body></message>");
  const Element& root = document.root();
  std::string out;
  write_start_tag(out, root, "jabber:client", "room@m/n", "a@b", true);
  out += write_body(root);
  EXPECT_EQ(out,
            "<message from='room@m/n' to='a@b' id='1' xml:lang='en'><body>hi</body></message>");
  out.clear();
  write_start_tag(out, root, "jabber:server", {}, "a'b", false);
  EXPECT_EQ(out, "<message xmlns='jabber:client' to='a&apos;b' id='1' xml:lang='en'/>");
}

}  // namespace
}  // namespace impulse::xmpp
