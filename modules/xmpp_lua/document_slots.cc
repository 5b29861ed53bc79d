// Which documents Lua holds, and until when.
#include "modules/xmpp_lua/document_slots.h"

#include <utility>
#include <variant>

namespace impulse::xmpp_lua {

DocumentSlot& DocumentSlots::take() {
  if (free_.empty()) {
    slots_.push_back(std::make_unique<DocumentSlot>());
    free_.push_back(slots_.back().get());
  }
  DocumentSlot& slot = *free_.back();
  free_.pop_back();
  return slot;
}

DocumentSlot& DocumentSlots::lend(xmpp::Stanza& stanza) {
  DocumentSlot& slot = take();
  slot.stanza = &stanza;
  slot.root = &stanza.element();
  slot.is_owned = false;
  return slot;
}

DocumentSlot& DocumentSlots::own(xmpp::Document document) {
  DocumentSlot& slot = take();
  slot.document = std::move(document);
  slot.root = &slot.document.root();
  slot.is_owned = true;
  return slot;
}

void DocumentSlots::end(DocumentSlot& slot) {
  ++slot.generation;
  slot.handles = 0;
  slot.root = nullptr;
  slot.stanza = nullptr;
  slot.own.reset();
  slot.document = xmpp::Document();
  free_.push_back(&slot);
}

void DocumentSlots::release(const NodeHandle& handle) {
  if (!handle.is_valid()) return;
  if (--handle.slot->handles == 0) end(*handle.slot);
}

bool become_stanza(DocumentSlot& slot, std::string& why) {
  if (slot.stanza != nullptr) return true;
  auto made = xmpp::Stanza::from(std::move(slot.document));
  if (auto* stanza = std::get_if<xmpp::Stanza>(&made)) {
    slot.own.emplace(std::move(*stanza));
    slot.stanza = &*slot.own;
    return true;
  }
  auto& bad = std::get<xmpp::BadStanza>(made);
  slot.document = std::move(bad.document);
  slot.root = &slot.document.root();
  why = "not a stanza: " + std::string(name_of(bad.error.condition));
  if (!bad.error.text.empty()) why += ": " + bad.error.text;
  return false;
}

}  // namespace impulse::xmpp_lua
