// The element tree: arena, attributes, children, copies.
#include "modules/xmpp/element.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "modules/xmpp/document_builder.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/utf8.h"

namespace impulse::xmpp {
namespace {

constexpr std::size_t kLargestUsualBlock = 32 * 1024;

template <class T>
T* new_in(Arena& arena) {
  return ::new (arena.allocate(sizeof(T), alignof(T))) T;
}

// A namespace that lives as long as the arena, shared where it can be.
std::string_view keep_namespace(Arena& arena, std::string_view ns, const Element* near) {
  if (ns.empty()) return {};
  if (near != nullptr && near->ns() == ns) return near->ns();
  if (ns == ns::kClient) return ns::kClient;
  if (ns == ns::kXml) return ns::kXml;
  return arena.copy(ns);
}

}  // namespace

struct Arena::Block {
  Block* older;
};

Arena::Arena(std::size_t first_block_bytes) : next_block_bytes_(first_block_bytes) {}

Arena::Arena(char* begin, std::size_t bytes)
    : at_(begin),
      end_(begin + bytes),
      total_(sizeof(Arena) + bytes),
      next_block_bytes_(2 * bytes + 256) {}

std::unique_ptr<Arena> Arena::make(std::size_t first_block_bytes) {
  char* memory = static_cast<char*>(::operator new(sizeof(Arena) + first_block_bytes));
  return std::unique_ptr<Arena>(::new (memory) Arena(memory + sizeof(Arena), first_block_bytes));
}

Arena::~Arena() {
  while (newest_ != nullptr) {
    Block* older = newest_->older;
    ::operator delete(newest_);
    newest_ = older;
  }
}

void* Arena::allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t misfit = reinterpret_cast<std::uintptr_t>(at_) & (alignment - 1);
  const std::size_t padding = misfit == 0 ? 0 : alignment - misfit;
  const auto room = static_cast<std::size_t>(end_ - at_);
  if (bytes <= room && padding <= room - bytes) {
    char* result = at_ + padding;
    at_ = result + bytes;
    return result;
  }
  return allocate_in_new_block(bytes);
}

void* Arena::allocate_in_new_block(std::size_t bytes) {
  // Large pieces get a block of their own, so that the rest of the current one is not lost.
  const bool is_large = bytes > next_block_bytes_ / 2;
  const std::size_t capacity = is_large ? bytes : next_block_bytes_;
  // Each block starts with its header, after which any alignment we use is met.
  char* memory = static_cast<char*>(::operator new(sizeof(Block) + capacity));
  newest_ = ::new (memory) Block{newest_};
  total_ += sizeof(Block) + capacity;
  char* begin = memory + sizeof(Block);
  if (!is_large || at_ == nullptr) {
    at_ = begin + bytes;
    end_ = begin + capacity;
  }
  if (!is_large) next_block_bytes_ = std::min(2 * next_block_bytes_, kLargestUsualBlock);
  return begin;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* place = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

void Element::set_name(std::string_view name) { name_ = arena_->copy(name); }

const Attribute* Element::find_attribute(std::string_view name, std::string_view ns) const {
  for (const Attribute* at = attributes_; at != nullptr; at = at->next) {
    if (at->name == name && at->ns == ns) return at;
  }
  return nullptr;
}

std::string_view Element::attribute(std::string_view name) const {
  const Attribute* found = find_attribute(name);
  return found == nullptr ? std::string_view() : found->value;
}

void Element::set_attribute(std::string_view name, std::string_view value, std::string_view ns) {
  const std::string_view kept = arena_->copy(value);
  Attribute** link = &attributes_;
  for (; *link != nullptr; link = &(*link)->next) {
    if ((*link)->name == name && (*link)->ns == ns) {
      (*link)->value = kept;
      return;
    }
  }
  Attribute* added = new_in<Attribute>(*arena_);
  added->ns = keep_namespace(*arena_, ns, this);
  added->name = arena_->copy(name);
  added->value = kept;
  *link = added;
}

void Element::remove_attribute(std::string_view name, std::string_view ns) {
  for (Attribute** link = &attributes_; *link != nullptr; link = &(*link)->next) {
    if ((*link)->name == name && (*link)->ns == ns) {
      *link = (*link)->next;
      return;
    }
  }
}

Element* Element::first_child() {
  Node* node = first_;
  while (node != nullptr && node->is_text) node = node->next;
  return static_cast<Element*>(node);
}

Element* Element::next_sibling() {
  Node* node = next;
  while (node != nullptr && node->is_text) node = node->next;
  return static_cast<Element*>(node);
}

Element* Element::child(std::string_view name, std::string_view ns) {
  for (Element* at = first_child(); at != nullptr; at = at->next_sibling()) {
    if ((name.empty() || at->name_ == name) && (ns.empty() || at->ns_ == ns)) return at;
  }
  return nullptr;
}

std::string Element::text() const {
  std::string joined;
  for (const Node* node = first_; node != nullptr; node = node->next) {
    if (node->is_text) joined += static_cast<const TextNode*>(node)->text;
  }
  return joined;
}

Element& Element::add_child(std::string_view name, std::string_view ns) {
  Element& added = DocumentBuilder::make(*arena_, name, ns.empty() ? ns_ : ns, this);
  append(added);
  return added;
}

void Element::add_text(std::string_view text) {
  if (text.empty()) return;
  TextNode* added = new_in<TextNode>(*arena_);
  added->is_text = true;
  added->text = arena_->copy(text);
  append(*added);
}

Element& Element::add_copy(const Element& other) {
  // Appended only when complete: `other` may be this element or one of its ancestors.
  Element& added = DocumentBuilder::copy(*arena_, other, this);
  append(added);
  return added;
}

void Element::append(Node& node) {
  node.parent = this;
  node.next = nullptr;
  (last_ == nullptr ? first_ : last_->next) = &node;
  last_ = &node;
}

void Element::remove_child(Node& child) {
  Node* previous = nullptr;
  for (Node* node = first_; node != nullptr; previous = node, node = node->next) {
    if (node != &child) continue;
    (previous == nullptr ? first_ : previous->next) = child.next;
    if (last_ == &child) last_ = previous;
    child.next = nullptr;
    child.parent = nullptr;
    return;
  }
}

void Element::clear_children() {
  first_ = nullptr;
  last_ = nullptr;
}

Document::Document(std::string_view root_name, std::string_view root_ns)
    : arena_(Arena::make()), root_(&DocumentBuilder::make(*arena_, root_name, root_ns, nullptr)) {}

Document::Document(std::unique_ptr<Arena> arena, Element& root)
    : arena_(std::move(arena)), root_(&root) {}

Document Document::clone() const { return root_ == nullptr ? Document() : copy_of(*root_); }

Document Document::copy_of(const Element& element) {
  auto arena = Arena::make();
  Element& root = DocumentBuilder::copy(*arena, element, nullptr);
  return Document(std::move(arena), root);
}

Element& DocumentBuilder::make(Arena& arena, std::string_view name, std::string_view ns,
                               const Element* near) {
  void* place = arena.allocate(sizeof(Element), alignof(Element));
  return *::new (place) Element(arena, arena.copy(name), keep_namespace(arena, ns, near));
}

Element& DocumentBuilder::copy(Arena& arena, const Element& source, const Element* near) {
  const auto copy_flat = [&arena](const Element& from, const Element* neighbour) -> Element& {
    Element& made = make(arena, from.name_, from.ns_, neighbour);
    Attribute** link = &made.attributes_;
    for (const Attribute* at = from.attributes_; at != nullptr; at = at->next) {
      *link = new_in<Attribute>(arena);
      (*link)->ns = keep_namespace(arena, at->ns, &made);
      (*link)->name = arena.copy(at->name);
      (*link)->value = arena.copy(at->value);
      link = &(*link)->next;
    }
    return made;
  };
  Element& root = copy_flat(source, near);
  Element* into = &root;
  const Element* within = &source;
  const Node* node = source.first_;
  // Walks `source` by its parent links; depth costs no stack.
  for (;;) {
    while (node == nullptr) {
      if (within == &source) return root;
      node = within->next;
      within = within->parent;
      into = into->parent;
    }
    if (node->is_text) {
      into->add_text(static_cast<const TextNode*>(node)->text);
      node = node->next;
      continue;
    }
    const auto* from = static_cast<const Element*>(node);
    Element& made = copy_flat(*from, into);
    into->append(made);
    into = &made;
    within = from;
    node = from->first_;
  }
}

void DocumentBuilder::start(std::string_view name, std::string_view ns) {
  last_attribute_ = nullptr;
  if (open_ == nullptr) {
    arena_ = Arena::make();
    root_ = open_ = &make(*arena_, name, ns, nullptr);
    return;
  }
  Element& child = make(*arena_, name, ns, open_);
  open_->append(child);
  open_ = &child;
}

void DocumentBuilder::attribute(std::string_view name, std::string_view value,
                                std::string_view ns) {
  Attribute* added = new_in<Attribute>(*arena_);
  added->ns = keep_namespace(*arena_, ns, open_);
  added->name = arena_->copy(name);
  added->value = arena_->copy(value);
  (last_attribute_ == nullptr ? open_->attributes_ : last_attribute_->next) = added;
  last_attribute_ = added;
}

void DocumentBuilder::text(std::string_view text) { open_->add_text(text); }

Document DocumentBuilder::take() {
  Element& root = *root_;
  root_ = open_ = nullptr;
  return Document(std::move(arena_), root);
}

void DocumentBuilder::clear() {
  arena_.reset();
  root_ = open_ = nullptr;
  last_attribute_ = nullptr;
}

namespace {

bool is_name_start(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  // XML 1.0, fifth edition, production [4], without the colon.
  static constexpr Range kRanges[] = {
      {'A', 'Z'},       {'_', '_'},       {'a', 'z'},       {0xC0, 0xD6},     {0xD8, 0xF6},
      {0xF8, 0x2FF},    {0x370, 0x37D},   {0x37F, 0x1FFF},  {0x200C, 0x200D}, {0x2070, 0x218F},
      {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
  };
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

bool is_name_char(char32_t c) {
  return is_name_start(c) || c == '-' || c == '.' || (c >= '0' && c <= '9') || c == 0xB7 ||
         (c >= 0x300 && c <= 0x36F) || c == 0x203F || c == 0x2040;
}

}  // namespace

bool is_xml_name(std::string_view name) {
  bool is_first = true;
  while (!name.empty()) {
    const utf8::Decoded next = utf8::decode(name);
    if (next.length == 0) return false;
    if (is_first ? !is_name_start(next.code_point) : !is_name_char(next.code_point)) return false;
    is_first = false;
    name.remove_prefix(next.length);
  }
  return !is_first;
}

bool is_xml_text(std::string_view text) {
  while (!text.empty()) {
    const utf8::Decoded next = utf8::decode(text);
    if (next.length == 0 || !utf8::is_xml_char(next.code_point)) return false;
    text.remove_prefix(next.length);
  }
  return true;
}

}  // namespace impulse::xmpp
