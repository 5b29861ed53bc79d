// Names of accounts where no protocol has a say.
#include "host/aaa/account_names.h"

#include <algorithm>

namespace impulse::aaa {

Result<AccountName> plain_account_name(std::string_view text) {
  const std::size_t at = text.find('@');
  auto wrong = [&](std::string_view why) {
    return Error{ErrorCode::kInvalid, "'" + std::string(text) +
                                          "' is not an account (user@domain): " + std::string(why)};
  };
  if (at == std::string_view::npos) return wrong("the @ is missing");
  if (at == 0) return wrong("the part before the @ is empty");
  if (at + 1 == text.size()) return wrong("the domain is empty");
  constexpr std::size_t kLongestPart = 1023;
  if (at > kLongestPart || text.size() - at - 1 > kLongestPart) {
    return wrong("a part has more than 1023 bytes");
  }
  constexpr std::string_view kForbidden = "\"&'/:<>@ \x7f";
  std::string user(text.substr(0, at));
  std::string domain(text.substr(at + 1));
  for (std::string* part : {&user, &domain}) {
    for (char& c : *part) {
      const bool is_control = static_cast<unsigned char>(c) < 0x20;
      // An address literal in a domain has colons.
      const bool is_colon_of_domain = part == &domain && c == ':';
      if (is_control || (kForbidden.find(c) != std::string_view::npos && !is_colon_of_domain)) {
        return wrong("it has a character that may not occur");
      }
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return AccountName{std::move(user), std::move(domain)};
}

}  // namespace impulse::aaa
