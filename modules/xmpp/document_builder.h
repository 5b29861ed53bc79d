// Builds a Document from events in document order: start, attribute, text, end.
#pragma once

#include <memory>
#include <string_view>

#include "modules/xmpp/element.h"

namespace impulse::xmpp {

/// Builds one tree at a time, straight into an arena. One at a time.
class DocumentBuilder {
 public:
  /// Begins a new tree in an arena of its own, or, when one is open, a child of the innermost open
  /// element. Unlike Element::add_child an empty `ns` means no namespace.
  void start(std::string_view name, std::string_view ns);
  /// Of the innermost open element; the caller knows that it is not there yet.
  void attribute(std::string_view name, std::string_view value, std::string_view ns);
  void text(std::string_view text);
  /// Ends the innermost open element.
  void end() { open_ = open_->parent; }

  bool is_open() const { return open_ != nullptr; }
  /// The tree, once end() was called for its root.
  Document take();
  /// Drops what was built.
  void clear();

  /// A new element of `arena` that has no parent yet; `near` is where its namespace may be shared.
  static Element& make(Arena& arena, std::string_view name, std::string_view ns,
                       const Element* near);
  /// A deep copy of `source` in `arena`, without a parent. Costs no stack for depth.
  static Element& copy(Arena& arena, const Element& source, const Element* near);

 private:
  std::unique_ptr<Arena> arena_;
  Element* root_ = nullptr;
  Element* open_ = nullptr;
  Attribute* last_attribute_ = nullptr;
};

}  // namespace impulse::xmpp
