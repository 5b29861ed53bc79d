// Who gets a message: the table of RFC 6121 section 8.5 as a pure function.
// @rfc 6121 8.5 complete
#pragma once

#include <cstdint>

#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

/// What is to be done with a message.
enum class MessageAction : std::uint8_t {
  kIgnore,
  kRefuse,           ///< service-unavailable to the sender
  kKeep,             ///< offline storage, or service-unavailable where there is none
  kToResource,       ///< the resource that was addressed
  kToMostAvailable,  ///< the available resources of the highest priority
  kToAll,            ///< all available resources of non-negative priority
};

/// How the address of the message meets the account's resources.
enum class AddressMatch : std::uint8_t { kBare, kResourceThere, kResourceMissing };

/// RFC 6121 section 8.5.4, with these choices where it leaves one: a bare JID reaches the most
/// available resources; normal messages to a missing resource are refused.
constexpr MessageAction message_action(MessageType type, AddressMatch match,
                                       bool has_non_negative_resource) {
  if (match == AddressMatch::kResourceThere) return MessageAction::kToResource;
  if (type == MessageType::kError) return MessageAction::kIgnore;
  const bool is_bare = match == AddressMatch::kBare;
  switch (type) {
    case MessageType::kNormal:
      if (!is_bare) return MessageAction::kRefuse;
      [[fallthrough]];
    case MessageType::kChat:
      return has_non_negative_resource ? MessageAction::kToMostAvailable : MessageAction::kKeep;
    case MessageType::kGroupchat:
      return MessageAction::kRefuse;
    case MessageType::kHeadline:
      return is_bare && has_non_negative_resource ? MessageAction::kToAll : MessageAction::kIgnore;
    case MessageType::kError:
      break;
  }
  return MessageAction::kIgnore;
}

}  // namespace impulse::xmpp
