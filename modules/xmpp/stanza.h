// A stanza: an element that is message, presence or iq, with its addresses parsed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "host/base/result.h"
#include "modules/xmpp/element.h"
#include "modules/xmpp/error.h"
#include "modules/xmpp/jid.h"

namespace impulse::xmpp {

enum class StanzaKind : std::uint8_t { kMessage, kPresence, kIq };
std::string_view name_of(StanzaKind kind);

enum class MessageType : std::uint8_t { kNormal, kChat, kGroupchat, kHeadline, kError };
enum class PresenceType : std::uint8_t {
  kAvailable,
  kUnavailable,
  kSubscribe,
  kSubscribed,
  kUnsubscribe,
  kUnsubscribed,
  kProbe,
  kError,
};
enum class IqType : std::uint8_t { kGet, kSet, kResult, kError };

/// Why an element is not a stanza that may be processed (RFC 6120 section 8). With an address that
/// cannot be parsed the stanza is still answerable: jid-malformed goes back to its sender.
struct BadStanza {
  StanzaError error;
  Document document;  ///< what was sent, to be answered
};

/// The error that answers the stanza `element`: same name and id, addresses swapped as they stand
/// there, the payload echoed up to 4 KiB, <error/> last. For what is a Stanza, error_reply() is it.
IMPULSE_EXPORT Document error_answer(const Element& element, const StanzaError& error);

/// A message, presence or iq stanza. Moves; one at a time.
class IMPULSE_EXPORT Stanza {
 public:
  /// Checks what every stanza must be: kind, type (unknown message types are normal, RFC 6121
  /// section 5.2.2; unknown presence or iq types are bad-request), iq with an id and the right
  /// number of children (RFC 6120 section 8.2.3), addresses that parse. The name decides; the
  /// namespace was checked by the stream.
  static std::variant<Stanza, BadStanza> from(Document document);

  static Stanza message(MessageType type, const Jid& from, const Jid& to);
  static Stanza presence(PresenceType type, const std::optional<Jid>& from,
                         const std::optional<Jid>& to);
  static Stanza iq(IqType type, std::string_view id, const std::optional<Jid>& from,
                   const std::optional<Jid>& to);

  StanzaKind kind() const { return kind_; }
  bool is_message() const { return kind_ == StanzaKind::kMessage; }
  bool is_presence() const { return kind_ == StanzaKind::kPresence; }
  bool is_iq() const { return kind_ == StanzaKind::kIq; }
  /// Each valid only for its kind.
  MessageType message_type() const { return static_cast<MessageType>(type_); }
  PresenceType presence_type() const { return static_cast<PresenceType>(type_); }
  IqType iq_type() const { return static_cast<IqType>(type_); }
  bool is_error() const;
  /// Is an iq of type get or set.
  bool is_request() const {
    return is_iq() && (iq_type() == IqType::kGet || iq_type() == IqType::kSet);
  }

  const std::optional<Jid>& to() const { return to_; }
  const std::optional<Jid>& from() const { return from_; }
  void set_to(Jid to);
  void set_from(Jid from);
  void remove_to();
  std::string_view id() const { return element().attribute("id"); }
  std::string_view type() const { return element().attribute("type"); }
  /// The one child of an iq request, or nullptr.
  Element* payload() { return element().first_child(); }
  const Element* payload() const { return element().first_child(); }

  Element& element() { return document_.root(); }
  const Element& element() const { return document_.root(); }
  Stanza clone() const;
  Document take_document() && { return std::move(document_); }

  /// The answer to an iq request: type result, same id, addresses swapped.
  Stanza result() const;
  /// The error that answers this stanza: same kind and id, addresses swapped, the payload echoed
  /// up to 4 KiB. Never call it for an error or an iq result.
  Stanza error_reply(const StanzaError& error) const;
  /// May this be answered with an error at all? (not errors, not iq results)
  bool may_be_answered() const;

 private:
  Stanza(Document document, StanzaKind kind, std::uint8_t type)
      : document_(std::move(document)), kind_(kind), type_(type) {}
  Document document_;
  std::optional<Jid> to_;
  std::optional<Jid> from_;
  StanzaKind kind_;
  std::uint8_t type_;
};

}  // namespace impulse::xmpp
