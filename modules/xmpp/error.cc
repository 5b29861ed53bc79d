// The names and default types of error conditions, and a stream error as XML.
#include "modules/xmpp/error.h"

#include <algorithm>
#include <array>

#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {
namespace {

// In the order of StreamCondition.
constexpr std::array<std::string_view, 25> kStreamConditions = {
    "bad-format",
    "bad-namespace-prefix",
    "conflict",
    "connection-timeout",
    "host-gone",
    "host-unknown",
    "improper-addressing",
    "internal-server-error",
    "invalid-from",
    "invalid-namespace",
    "invalid-xml",
    "not-authorized",
    "not-well-formed",
    "policy-violation",
    "remote-connection-failed",
    "reset",
    "resource-constraint",
    "restricted-xml",
    "see-other-host",
    "system-shutdown",
    "undefined-condition",
    "unsupported-encoding",
    "unsupported-feature",
    "unsupported-stanza-type",
    "unsupported-version",
};
static_assert(kStreamConditions.size() ==
              static_cast<std::size_t>(StreamCondition::kUnsupportedVersion) + 1);

struct StanzaRow {
  std::string_view name;
  std::string_view type;
};
// In the order of StanzaCondition.
constexpr std::array<StanzaRow, 22> kStanzaConditions = {{
    {"bad-request", "modify"},
    {"conflict", "cancel"},
    {"feature-not-implemented", "cancel"},
    {"forbidden", "auth"},
    {"gone", "cancel"},
    {"internal-server-error", "cancel"},
    {"item-not-found", "cancel"},
    {"jid-malformed", "modify"},
    {"not-acceptable", "modify"},
    {"not-allowed", "cancel"},
    {"not-authorized", "auth"},
    {"policy-violation", "modify"},
    {"recipient-unavailable", "wait"},
    {"redirect", "modify"},
    {"registration-required", "auth"},
    {"remote-server-not-found", "cancel"},
    {"remote-server-timeout", "wait"},
    {"resource-constraint", "wait"},
    {"service-unavailable", "cancel"},
    {"subscription-required", "auth"},
    {"undefined-condition", "cancel"},
    {"unexpected-request", "wait"},
}};
static_assert(kStanzaConditions.size() ==
              static_cast<std::size_t>(StanzaCondition::kUnexpectedRequest) + 1);

}  // namespace

std::string_view name_of(StreamCondition condition) {
  return kStreamConditions[static_cast<std::size_t>(condition)];
}

std::string to_xml(const StreamError& error) {
  const std::string_view name = name_of(error.condition);
  // The one condition whose text is data: where to go instead (RFC 6120 section 4.9.3.19).
  const bool text_is_content = error.condition == StreamCondition::kSeeOtherHost;
  std::string out = "<stream:error><";
  out.append(name).append(" xmlns='").append(ns::kStreamErrors).append("'");
  if (text_is_content && !error.text.empty()) {
    out += '>';
    escape_text(out, error.text);
    out.append("</").append(name).append(">");
  } else {
    out += "/>";
  }
  if (!text_is_content && !error.text.empty()) {
    out.append("<text xmlns='").append(ns::kStreamErrors).append("' xml:lang='en'>");
    escape_text(out, error.text);
    out += "</text>";
  }
  out += "</stream:error>";
  return out;
}

std::string_view name_of(StanzaCondition condition) {
  return kStanzaConditions[static_cast<std::size_t>(condition)].name;
}

std::optional<StanzaCondition> stanza_condition(std::string_view name) {
  const auto found = std::find_if(kStanzaConditions.begin(), kStanzaConditions.end(),
                                  [name](const StanzaRow& row) { return row.name == name; });
  if (found == kStanzaConditions.end()) return std::nullopt;
  return static_cast<StanzaCondition>(found - kStanzaConditions.begin());
}

std::string_view default_type(StanzaCondition condition) {
  return kStanzaConditions[static_cast<std::size_t>(condition)].type;
}

}  // namespace impulse::xmpp
