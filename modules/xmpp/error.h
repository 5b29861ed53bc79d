// Stanza and stream error conditions as values (RFC 6120 sections 4.9.3 and 8.3.3).
// @rfc 6120 4.9.3, 8.3.3 complete
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "host/module/descriptor.h"

namespace impulse::xmpp {

enum class StreamCondition {
  kBadFormat,
  kBadNamespacePrefix,
  kConflict,
  kConnectionTimeout,
  kHostGone,
  kHostUnknown,
  kImproperAddressing,
  kInternalServerError,
  kInvalidFrom,
  kInvalidNamespace,
  kInvalidXml,
  kNotAuthorized,
  kNotWellFormed,
  kPolicyViolation,
  kRemoteConnectionFailed,
  kReset,
  kResourceConstraint,
  kRestrictedXml,
  kSeeOtherHost,
  kSystemShutdown,
  kUndefinedCondition,
  kUnsupportedEncoding,
  kUnsupportedFeature,
  kUnsupportedStanzaType,
  kUnsupportedVersion,
};
/// "bad-format" etc.
IMPULSE_EXPORT std::string_view name_of(StreamCondition condition);

/// Why a stream ends; a value to send.
struct StreamError {
  StreamCondition condition = StreamCondition::kUndefinedCondition;
  std::string text;
  bool operator==(const StreamError&) const = default;
};
/// `<stream:error>...</stream:error>`; the prefix is bound by the stream header.
IMPULSE_EXPORT std::string to_xml(const StreamError& error);

enum class StanzaCondition {
  kBadRequest,
  kConflict,
  kFeatureNotImplemented,
  kForbidden,
  kGone,
  kInternalServerError,
  kItemNotFound,
  kJidMalformed,
  kNotAcceptable,
  kNotAllowed,
  kNotAuthorized,
  kPolicyViolation,
  kRecipientUnavailable,
  kRedirect,
  kRegistrationRequired,
  kRemoteServerNotFound,
  kRemoteServerTimeout,
  kResourceConstraint,
  kServiceUnavailable,
  kSubscriptionRequired,
  kUndefinedCondition,
  kUnexpectedRequest,
};
IMPULSE_EXPORT std::string_view name_of(StanzaCondition condition);
/// From "item-not-found"; nullopt for anything else.
IMPULSE_EXPORT std::optional<StanzaCondition> stanza_condition(std::string_view name);
/// "auth", "cancel", "continue", "modify" or "wait", as RFC 6120 section 8.3.3 lists it.
IMPULSE_EXPORT std::string_view default_type(StanzaCondition condition);

/// Why a stanza is refused; a value to send.
struct StanzaError {
  StanzaCondition condition = StanzaCondition::kUndefinedCondition;
  std::string text = {};
  std::string_view type = {};  ///< empty = default_type(condition)
};

}  // namespace impulse::xmpp
