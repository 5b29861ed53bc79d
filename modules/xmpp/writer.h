// Elements to bytes; the shared body and the per-recipient start tag.
#pragma once

#include <string>
#include <string_view>

#include "host/module/descriptor.h"
#include "modules/xmpp/element.h"

namespace impulse::xmpp {

/// Appends `element` as it stands inside a parent whose default namespace is `context`; xmlns is
/// written where it differs. Characters that XML does not allow are never written.
IMPULSE_EXPORT void write_element(std::string& out, const Element& element,
                                  std::string_view context);
IMPULSE_EXPORT std::string to_xml(const Element& element, std::string_view context = {});

/// Only the children of `element`, and its end tag: what a fan-out shares. Empty when there are
/// none: then the start tag is all.
IMPULSE_EXPORT std::string write_body(const Element& element);
/// The start tag with `from` and `to` in place of the element's own (an empty view leaves the
/// attribute out). `body_follows` false writes an empty-element tag.
IMPULSE_EXPORT void write_start_tag(std::string& out, const Element& element,
                                    std::string_view context, std::string_view from,
                                    std::string_view to, bool body_follows);

IMPULSE_EXPORT void escape_text(std::string& out, std::string_view text);
IMPULSE_EXPORT void escape_attribute(std::string& out, std::string_view value);

}  // namespace impulse::xmpp
