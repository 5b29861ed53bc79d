// PRECIS profiles (RFC 8264, 8265) and domain names (RFC 5890 ff.) as addresses need them.
// @rfc 8265 complete
#pragma once

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace impulse::xmpp::prep {

/// UsernameCaseMapped (RFC 8265 section 3.3). Errors: kInvalid, with the rule that was broken; the
/// caller adds which part it was. Any thread, as are all of these.
Result<std::string> username_case_mapped(std::string_view text);
/// OpaqueString (RFC 8265 section 4.2).
Result<std::string> opaque_string(std::string_view text);
/// A domain of NR-LDH labels and U-labels, an IPv4 address or an IPv6 address in brackets (RFC
/// 7622 section 3.2): lower case, A-labels as U-labels, without a final dot.
Result<std::string> domain(std::string_view text);

}  // namespace impulse::xmpp::prep
