// Which documents Lua holds: slots that node handles refer to, and that know when they are gone.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "modules/xmpp/api.h"

namespace impulse::xmpp_lua {

/// A document that Lua sees: lent by a hook while its handler runs, or owned by the node handles
/// that refer to it. Home.
struct DocumentSlot {
  std::uint32_t generation = 0;  ///< handles of an older generation are no longer valid
  std::uint32_t handles = 0;     ///< owned: node handles that Lua has not collected
  xmpp::Element* root = nullptr;
  xmpp::Stanza* stanza = nullptr;   ///< lent, or own
  xmpp::Document document;          ///< owned, not yet known to be a stanza
  std::optional<xmpp::Stanza> own;  ///< owned, and found to be a stanza
  bool is_owned = false;
};

/// What a Lua userdata "node" holds.
struct NodeHandle {
  DocumentSlot* slot;
  std::uint32_t generation;
  xmpp::Node* node;
  bool is_valid() const { return slot->generation == generation; }
};

/// All slots of a state. Freed ones are used again under a new generation.
class DocumentSlots {
 public:
  DocumentSlot& lend(xmpp::Stanza& stanza);
  DocumentSlot& own(xmpp::Document document);
  /// Handles that refer to it become invalid.
  void end(DocumentSlot& slot);
  /// A handle was collected.
  void release(const NodeHandle& handle);
  std::size_t in_use() const { return slots_.size() - free_.size(); }

 private:
  DocumentSlot& take();
  std::vector<std::unique_ptr<DocumentSlot>> slots_;
  std::vector<DocumentSlot*> free_;
};

/// Makes a slot's document a stanza if it can be one; false says why not.
bool become_stanza(DocumentSlot& slot, std::string& why);

/// A lent stanza that is taken back at the end of a scope. Moves along with its passage.
class Lease {
 public:
  Lease(DocumentSlots& slots, xmpp::Stanza* stanza)
      : slots_(&slots), slot_(stanza ? &slots.lend(*stanza) : nullptr) {}
  Lease(Lease&& other) noexcept
      : slots_(other.slots_), slot_(std::exchange(other.slot_, nullptr)) {}
  Lease& operator=(Lease&&) = delete;
  ~Lease() {
    if (slot_ != nullptr) slots_->end(*slot_);
  }
  DocumentSlot* slot() const { return slot_; }
  /// The passage has moved: its stanza is elsewhere now (its elements are not).
  void moved_to(xmpp::Stanza* stanza) {
    if (slot_ != nullptr) slot_->stanza = stanza;
  }

 private:
  DocumentSlots* slots_;
  DocumentSlot* slot_;
};

}  // namespace impulse::xmpp_lua
