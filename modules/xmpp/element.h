// An XML element tree in one arena; a Document owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "host/module/descriptor.h"

namespace impulse::xmpp {

/// Memory for one document: bump allocation in a few blocks, freed whole. One at a time.
class IMPULSE_EXPORT Arena {
 public:
  explicit Arena(std::size_t first_block_bytes = 1024);
  ~Arena();
  /// An arena on the heap whose first block lies behind it: one allocation serves a usual stanza.
  static std::unique_ptr<Arena> make(std::size_t first_block_bytes = 944);
  /// Unsized, because make() asks for more than sizeof(Arena).
  static void operator delete(void* memory) { ::operator delete(memory); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(std::size_t bytes, std::size_t alignment = alignof(void*));
  /// A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text);
  std::size_t bytes() const { return total_; }

 private:
  struct Block;
  Arena(char* begin, std::size_t bytes);
  void* allocate_in_new_block(std::size_t bytes);
  Block* newest_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  std::size_t total_ = 0;
  std::size_t next_block_bytes_;
};

class Element;

/// An attribute; `ns` is empty for the usual unqualified ones, ns::kXml for xml:lang.
struct Attribute {
  std::string_view ns;
  std::string_view name;
  std::string_view value;
  Attribute* next = nullptr;
};

/// A child: an element or a run of text.
struct Node {
  Node* next = nullptr;
  Element* parent = nullptr;
  bool is_text = false;
};
struct TextNode : Node {
  std::string_view text;
};

/// An element. Lives in its Document's arena; views and pointers end with the Document. Changes
/// allocate in the arena and never free, so a document is for building and passing on, not for
/// endless editing. One at a time.
class IMPULSE_EXPORT Element : public Node {
 public:
  std::string_view name() const { return name_; }
  std::string_view ns() const { return ns_; }
  bool is(std::string_view name, std::string_view ns) const { return name_ == name && ns_ == ns; }
  /// Names are checked by whoever takes them from outside (is_xml_name).
  void set_name(std::string_view name);

  /// The value of an unqualified attribute; `has` tells a missing one from an empty one.
  std::string_view attribute(std::string_view name) const;
  bool has_attribute(std::string_view name) const { return find_attribute(name) != nullptr; }
  const Attribute* find_attribute(std::string_view name, std::string_view ns = {}) const;
  const Attribute* first_attribute() const { return attributes_; }
  void set_attribute(std::string_view name, std::string_view value, std::string_view ns = {});
  void remove_attribute(std::string_view name, std::string_view ns = {});

  Node* first_node() { return first_; }
  const Node* first_node() const { return first_; }
  /// Elements only.
  Element* first_child();
  const Element* first_child() const { return const_cast<Element*>(this)->first_child(); }
  Element* next_sibling();
  const Element* next_sibling() const { return const_cast<Element*>(this)->next_sibling(); }
  /// The first child element of this name and namespace, or nullptr; empty = any.
  Element* child(std::string_view name, std::string_view ns = {});
  const Element* child(std::string_view name, std::string_view ns = {}) const {
    return const_cast<Element*>(this)->child(name, ns);
  }
  /// All character data directly inside, joined.
  std::string text() const;

  /// Appends a new child; without `ns` it has its parent's.
  Element& add_child(std::string_view name, std::string_view ns = {});
  void add_text(std::string_view text);
  /// Appends a deep copy of `other` (of any document).
  Element& add_copy(const Element& other);
  void remove_child(Node& child);
  void clear_children();

  Arena& arena() { return *arena_; }

 private:
  friend class Document;
  friend class DocumentBuilder;
  Element(Arena& arena, std::string_view name, std::string_view ns)
      : arena_(&arena), name_(name), ns_(ns) {}
  void append(Node& node);

  Arena* arena_;
  std::string_view name_;
  std::string_view ns_;
  Attribute* attributes_ = nullptr;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

/// Owns an arena and the root element in it. Moves; clone() to have two.
class IMPULSE_EXPORT Document {
 public:
  Document() = default;
  Document(std::string_view root_name, std::string_view root_ns);
  /// Takes a tree whose nodes all live in `arena`.
  Document(std::unique_ptr<Arena> arena, Element& root);
  Document(Document&&) noexcept = default;
  Document& operator=(Document&&) noexcept = default;

  explicit operator bool() const { return root_ != nullptr; }
  Element& root() { return *root_; }
  const Element& root() const { return *root_; }
  Document clone() const;
  static Document copy_of(const Element& element);

 private:
  std::unique_ptr<Arena> arena_;
  Element* root_ = nullptr;
};

/// Is this a name that XML allows without a prefix (NCName)?
IMPULSE_EXPORT bool is_xml_name(std::string_view name);
/// Are these bytes UTF-8 made of characters that XML 1.0 allows?
IMPULSE_EXPORT bool is_xml_text(std::string_view text);

}  // namespace impulse::xmpp
