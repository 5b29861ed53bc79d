// AccountNames: what an account may be called, as the protocol that is served has it.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "host/base/result.h"

namespace impulse::aaa {

/// A prepared localpart and its domain.
using AccountName = std::pair<std::string, std::string>;

/// Published (Services) by the module whose accounts these are. Main thread.
class AccountNames {
 public:
  static constexpr std::string_view kServiceName = "account_names";
  virtual ~AccountNames() = default;
  /// Parses and prepares "user@domain" as a client would be known under it. kInvalid says which
  /// rule was broken.
  virtual Result<AccountName> prepare(std::string_view text) = 0;
};

/// Without a protocol that knows better: one "@", neither part empty, ASCII letters in lower case,
/// no spaces, controls or the characters "&'/:<>.
Result<AccountName> plain_account_name(std::string_view text);

}  // namespace impulse::aaa
