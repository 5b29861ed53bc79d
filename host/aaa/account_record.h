// AccountRecord: one account as account:// keeps it: SCRAM keys, never the password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "host/aaa/password_store.h"

namespace impulse::aaa {

/// Written as "v1 created=SECONDS sha1=ITERATIONS:SALT:STORED:SERVER sha256=..." with hexadecimal
/// keys. Readers skip fields they do not know. Regular value.
struct AccountRecord {
  std::int64_t created = 0;  ///< seconds since 1970
  ScramKeys sha1;
  ScramKeys sha256;

  std::string encode() const;
  /// Errors: kInvalid, naming the field; never its contents.
  static Result<AccountRecord> decode(std::string_view text);
};

/// Fresh salts, and keys for both hashes. Blocks for two PBKDF2.
AccountRecord make_account_record(std::string_view password, std::int64_t created);

}  // namespace impulse::aaa
