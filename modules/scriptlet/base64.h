// Base64 for scripts (RFC 4648 section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace impulse::scriptlet {

std::string base64_encode(std::string_view bytes);
/// White space is skipped; anything else that is not base64 gives nullopt.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace impulse::scriptlet
