// Tests of the element tree and its arena.
#include "modules/xmpp/element.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "modules/xmpp/parser.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

TEST(Element, ChildrenAreFoundByNameAndNamespaceInOrder) {
  Document document("message", "jabber:client");
  Element& root = document.root();
  root.add_text("one");
  Element& body = root.add_child("body");
  root.add_text("two");
  Element& other = root.add_child("body", "urn:other");
  EXPECT_EQ(root.first_child(), &body);
  EXPECT_EQ(body.next_sibling(), &other);
  EXPECT_EQ(other.next_sibling(), nullptr);
  EXPECT_EQ(body.ns(), "jabber:client");
  EXPECT_EQ(root.child("body"), &body);
  EXPECT_EQ(root.child("body", "urn:other"), &other);
  EXPECT_EQ(root.child("", "urn:other"), &other);
  EXPECT_EQ(root.child("subject"), nullptr);
  EXPECT_EQ(root.text(), "onetwo");
}

TEST(Element, RemovedChildLeavesTheOthersAndRoomForMore) {
  Document document("a", "n");
  Element& root = document.root();
  Element& first = root.add_child("b");
  root.add_child("c");
  Element& last = root.add_child("d");
  root.remove_child(last);
  root.add_child("e");
  root.remove_child(first);
  EXPECT_EQ(to_xml(root, "n"), "<a><c/><e/></a>");
  root.clear_children();
  EXPECT_EQ(to_xml(root, "n"), "<a/>");
}

TEST(Element, AttributesAreReplacedRemovedAndToldApartByNamespace) {
  Document document("a", "n");
  Element& root = document.root();
  root.set_attribute("x", "1");
  root.set_attribute("x", "2", "urn:y");
  root.set_attribute("x", "3");
  EXPECT_EQ(root.attribute("x"), "3");
  EXPECT_EQ(root.find_attribute("x", "urn:y")->value, "2");
  EXPECT_FALSE(root.has_attribute("y"));
  root.set_attribute("y", "");
  EXPECT_TRUE(root.has_attribute("y"));
  root.remove_attribute("x");
  EXPECT_FALSE(root.has_attribute("x"));
  EXPECT_NE(root.find_attribute("x", "urn:y"), nullptr);
}

TEST(Element, CopyIsDeepAndOutlivesItsSource) {
  Document target("t", "n");
  {
    const Document source =
        *parse_element("<a b='1' xml:lang='de'><c xmlns=''>x<d/>y</c></a>", "n");
    target.root().add_copy(source.root());
  }
  EXPECT_EQ(to_xml(target.root(), "n"), "<t><a b='1' xml:lang='de'><c xmlns=''>x<d/>y</c></a></t>");
}

TEST(Element, MayBeCopiedIntoItself) {
  Document document = *parse_element("<a><b/></a>", "n");
  document.root().child("b")->add_copy(document.root());
  EXPECT_EQ(to_xml(document.root(), "n"), "<a><b><a><b/></a></b></a>");
}

TEST(Element, DepthCostsNoStack) {
  Document document("a", "n");
  Element* at = &document.root();
  for (int i = 0; i < 200000; ++i) at = &at->add_child("a");
  EXPECT_EQ(to_xml(document.clone().root(), "n").size(), 200000u * 7 + 4);
}

TEST(Arena, GivesAlignedMemoryThatDoesNotOverlap) {
  const auto arena = Arena::make(64);
  std::vector<std::string_view> copies;
  for (int i = 0; i < 1000; ++i) {
    copies.push_back(
        arena->copy(std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26))));
    void* aligned = arena->allocate(24, 16);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(aligned) % 8, 0u);
  }
  for (std::size_t i = 0; i < copies.size(); ++i) {
    EXPECT_EQ(copies[i], std::string(i, static_cast<char>('a' + i % 26)));
  }
}

TEST(XmlNames, FollowTheGrammarWithoutColon) {
  for (const char* good : {"a", "_", "a-b.c1", "\u00E9", "\u4E2D"}) EXPECT_TRUE(is_xml_name(good));
  for (const char* bad : {"", "1", "-a", "a b", "a:b", "<", "a\xC3", "\u00D7", "\u0301"}) {
    EXPECT_FALSE(is_xml_name(bad)) << bad;
  }
}

TEST(XmlText, IsUtf8OfAllowedCharacters) {
  for (const char* good : {"", "a\t\r\n", "\u00E9", "\U0001F600", "\uFFFD"}) {
    EXPECT_TRUE(is_xml_text(good));
  }
  for (const char* bad :
       {"\x01", "\xC3", "\xED\xA0\x80", "\uFFFE", "\xF5\x80\x80\x80", "\xC1\xBF", "\xE0\x80\xAF"}) {
    EXPECT_FALSE(is_xml_text(bad));
  }
}

}  // namespace
}  // namespace impulse::xmpp
