// AccountStore: the store behind account://, accounts that this server keeps in a datasource.
#pragma once

#include <memory>
#include <string>

#include "host/aaa/password_store.h"
#include "host/event/pool.h"
#include "host/store/datasource.h"

namespace impulse::aaa {

/// Map store "accounts": owner = domain, key = localpart, value = an AccountRecord. What is
/// acknowledged is on disk.
class AccountStore final : public PasswordStore {
 public:
  /// `datasource` and `cpu` must outlive all answers. `rest` is the datasource's name.
  AccountStore(const std::string& rest, store::Datasource& datasource, event::Pool& cpu);

  const std::string& uri() const override { return uri_; }
  void find(event::Loop& loop, std::string user, std::string domain, Found found) override;
  /// Makes the account, or gives it a new password. kInvalid: an empty name or password.
  void set_password(event::Loop& loop, std::string user, std::string domain, Secret password,
                    bool must_be_new, UniqueFunction<void(Result<void>)> done) override;
  /// Also erases all that the datasource keeps for user@domain. kNotFound: no such account.
  void remove(event::Loop& loop, std::string user, std::string domain,
              UniqueFunction<void(Result<void>)> done) override;
  void list(event::Loop& loop,
            UniqueFunction<void(Result<std::vector<std::string>>)> done) override;

 private:
  std::string uri_;
  store::Datasource& datasource_;
  event::Pool& cpu_;
};

}  // namespace impulse::aaa
