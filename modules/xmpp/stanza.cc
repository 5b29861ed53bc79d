// Stanzas: what an element must be to be one, answers and errors (RFC 6120 section 8).
#include "modules/xmpp/stanza.h"

#include <algorithm>
#include <array>

#include "host/base/check.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

constexpr std::size_t kEchoBytes = 4096;

// Each in the order of its enumeration; an empty name writes no type.
constexpr std::array<std::string_view, 3> kKinds = {"message", "presence", "iq"};
constexpr std::array<std::string_view, 5> kMessageTypes = {"normal", "chat", "groupchat",
                                                           "headline", "error"};
constexpr std::array<std::string_view, 8> kPresenceTypes = {
    "", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"};
constexpr std::array<std::string_view, 4> kIqTypes = {"get", "set", "result", "error"};

template <std::size_t N>
std::optional<std::uint8_t> index_in(const std::array<std::string_view, N>& names,
                                     std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - names.begin());
}

// Whatever is wrong with an element, as the error that answers it.
struct Refusal {
  StanzaError error;
};

std::variant<std::uint8_t, Refusal> type_of(StanzaKind kind, const Element& element) {
  const Attribute* attribute = element.find_attribute("type");
  const std::string_view type = attribute == nullptr ? std::string_view() : attribute->value;
  switch (kind) {
    case StanzaKind::kMessage:
      // RFC 6121 section 5.2.2: a type that is absent or not understood is "normal".
      return index_in(kMessageTypes, type).value_or(0);
    case StanzaKind::kPresence:
      if (attribute == nullptr) return std::uint8_t{0};
      if (const auto index = index_in(kPresenceTypes, type); index && *index != 0) return *index;
      return Refusal{{.condition = StanzaCondition::kBadRequest,
                      .text = "The type of this presence is not one of RFC 6121 section 4.7.1."}};
    case StanzaKind::kIq:
      if (const auto index = index_in(kIqTypes, type)) return *index;
      return Refusal{{.condition = StanzaCondition::kBadRequest,
                      .text = "The type of an iq must be get, set, result or error."}};
  }
  return std::uint8_t{0};
}

// RFC 6120 section 8.2.3.
std::optional<StanzaError> check_iq(IqType type, const Element& element) {
  if (!element.has_attribute("id")) {
    return StanzaError{.condition = StanzaCondition::kBadRequest, .text = "An iq must have an id."};
  }
  std::size_t children = 0;
  for (const Element* at = element.first_child(); at != nullptr; at = at->next_sibling()) {
    ++children;
  }
  if ((type == IqType::kGet || type == IqType::kSet) && children != 1) {
    return StanzaError{.condition = StanzaCondition::kBadRequest,
                       .text = "An iq of type get or set must have exactly one child element."};
  }
  if (type == IqType::kResult && children > 1) {
    return StanzaError{.condition = StanzaCondition::kBadRequest,
                       .text = "An iq of type result must have at most one child element."};
  }
  return std::nullopt;
}

std::optional<StanzaError> parse_address(const Element& element, std::string_view name,
                                         std::optional<Jid>& address) {
  const Attribute* attribute = element.find_attribute(name);
  if (attribute == nullptr) return std::nullopt;
  auto parsed = Jid::parse(attribute->value);
  if (!parsed) {
    return StanzaError{.condition = StanzaCondition::kJidMalformed,
                       .text = std::move(parsed).error().in("'" + std::string(name) + "'").what};
  }
  address = *std::move(parsed);
  return std::nullopt;
}

// The start of an answer to `element`: same name and id, addresses swapped.
Document answer_to(const Element& element) {
  Document answer(element.name(), element.ns());
  Element& root = answer.root();
  if (const Attribute* id = element.find_attribute("id")) root.set_attribute("id", id->value);
  if (const Attribute* to = element.find_attribute("to")) root.set_attribute("from", to->value);
  if (const Attribute* from = element.find_attribute("from")) {
    root.set_attribute("to", from->value);
  }
  return answer;
}

// What was sent, so that its sender can tell what the error is about (RFC 6120 section 8.3.1).
void echo(const Element& element, Element& into) {
  std::size_t bytes = 0;
  for (const Element* child = element.first_child(); child != nullptr;
       child = child->next_sibling()) {
    // An <error/> of its own would be mistaken for ours.
    if (child->is("error", element.ns())) continue;
    const std::size_t size = to_xml(*child, element.ns()).size();
    if (bytes + size > kEchoBytes) continue;
    bytes += size;
    into.add_copy(*child);
  }
}

}  // namespace

std::string_view name_of(StanzaKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }

Document error_answer(const Element& element, const StanzaError& error) {
  Document answer = answer_to(element);
  Element& root = answer.root();
  root.set_attribute("type", "error");
  echo(element, root);
  Element& child = root.add_child("error");
  child.set_attribute("type", error.type.empty() ? default_type(error.condition) : error.type);
  child.add_child(name_of(error.condition), ns::kStanzaErrors);
  if (!error.text.empty()) {
    Element& text = child.add_child("text", ns::kStanzaErrors);
    text.set_attribute("lang", "en", ns::kXml);
    text.add_text(error.text);
  }
  return answer;
}

std::variant<Stanza, BadStanza> Stanza::from(Document document) {
  IMPULSE_CHECK(static_cast<bool>(document));
  const Element& element = document.root();
  const auto kind_index = index_in(kKinds, element.name());
  if (!kind_index) {
    return BadStanza{
        {.condition = StanzaCondition::kBadRequest, .text = "A stanza is message, presence or iq."},
        std::move(document)};
  }
  const auto kind = static_cast<StanzaKind>(*kind_index);
  const auto type = type_of(kind, element);
  if (const auto* refusal = std::get_if<Refusal>(&type)) {
    return BadStanza{refusal->error, std::move(document)};
  }
  const std::uint8_t type_index = std::get<std::uint8_t>(type);
  if (kind == StanzaKind::kIq) {
    if (auto error = check_iq(static_cast<IqType>(type_index), element)) {
      return BadStanza{*std::move(error), std::move(document)};
    }
  }
  std::optional<Jid> to;
  std::optional<Jid> from;
  auto error = parse_address(element, "to", to);
  if (!error) error = parse_address(element, "from", from);
  if (error) return BadStanza{*std::move(error), std::move(document)};
  Stanza stanza(std::move(document), kind, type_index);
  stanza.to_ = std::move(to);
  stanza.from_ = std::move(from);
  return stanza;
}

Stanza Stanza::message(MessageType type, const Jid& from, const Jid& to) {
  Stanza stanza(Document("message", ns::kClient), StanzaKind::kMessage,
                static_cast<std::uint8_t>(type));
  stanza.set_from(from);
  stanza.set_to(to);
  if (type != MessageType::kNormal) {
    stanza.element().set_attribute("type", kMessageTypes[static_cast<std::size_t>(type)]);
  }
  return stanza;
}

Stanza Stanza::presence(PresenceType type, const std::optional<Jid>& from,
                        const std::optional<Jid>& to) {
  Stanza stanza(Document("presence", ns::kClient), StanzaKind::kPresence,
                static_cast<std::uint8_t>(type));
  if (from) stanza.set_from(*from);
  if (to) stanza.set_to(*to);
  if (type != PresenceType::kAvailable) {
    stanza.element().set_attribute("type", kPresenceTypes[static_cast<std::size_t>(type)]);
  }
  return stanza;
}

Stanza Stanza::iq(IqType type, std::string_view id, const std::optional<Jid>& from,
                  const std::optional<Jid>& to) {
  Stanza stanza(Document("iq", ns::kClient), StanzaKind::kIq, static_cast<std::uint8_t>(type));
  if (from) stanza.set_from(*from);
  if (to) stanza.set_to(*to);
  stanza.element().set_attribute("id", id);
  stanza.element().set_attribute("type", kIqTypes[static_cast<std::size_t>(type)]);
  return stanza;
}

bool Stanza::is_error() const {
  switch (kind_) {
    case StanzaKind::kMessage:
      return message_type() == MessageType::kError;
    case StanzaKind::kPresence:
      return presence_type() == PresenceType::kError;
    case StanzaKind::kIq:
      return iq_type() == IqType::kError;
  }
  return false;
}

void Stanza::set_to(Jid to) {
  element().set_attribute("to", to.text());
  to_ = std::move(to);
}

void Stanza::set_from(Jid from) {
  element().set_attribute("from", from.text());
  from_ = std::move(from);
}

void Stanza::remove_to() {
  element().remove_attribute("to");
  to_.reset();
}

Stanza Stanza::clone() const {
  Stanza copy(document_.clone(), kind_, type_);
  copy.to_ = to_;
  copy.from_ = from_;
  return copy;
}

Stanza Stanza::result() const {
  Document answer = answer_to(element());
  answer.root().set_attribute("type", "result");
  Stanza stanza(std::move(answer), StanzaKind::kIq, static_cast<std::uint8_t>(IqType::kResult));
  stanza.to_ = from_;
  stanza.from_ = to_;
  return stanza;
}

Stanza Stanza::error_reply(const StanzaError& error) const {
  Document answer = error_answer(element(), error);
  const std::uint8_t type =
      kind_ == StanzaKind::kMessage    ? static_cast<std::uint8_t>(MessageType::kError)
      : kind_ == StanzaKind::kPresence ? static_cast<std::uint8_t>(PresenceType::kError)
                                       : static_cast<std::uint8_t>(IqType::kError);
  Stanza stanza(std::move(answer), kind_, type);
  stanza.to_ = from_;
  stanza.from_ = to_;
  return stanza;
}

bool Stanza::may_be_answered() const {
  return !is_error() && !(is_iq() && iq_type() == IqType::kResult);
}

}  // namespace impulse::xmpp
