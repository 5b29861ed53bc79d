// The password stores that come with the host: file:// and account://.
#include "host/aaa/builtin_stores.h"

#include "host/aaa/account_store.h"
#include "host/aaa/file_store.h"

namespace impulse::aaa {

Registrations register_builtin_stores(PasswordStores& stores, store::Datasources& datasources,
                                      event::PoolSet& pools) {
  Registrations registrations;
  registrations.push_back(stores.add_scheme("file", [&pools](const std::string& rest) {
    return FileStore::open(rest, pools.get("IO"));
  }));
  registrations.push_back(stores.add_scheme(
      "account",
      [&datasources, &pools](const std::string& rest) -> Result<std::shared_ptr<PasswordStore>> {
        store::Datasource* datasource = datasources.find(rest);
        if (datasource == nullptr) {
          return Error{ErrorCode::kNotFound,
                       "there is no Datasource '" + rest + "': declare it in a Datasource stanza"};
        }
        return std::shared_ptr<PasswordStore>(
            std::make_shared<AccountStore>(rest, *datasource, pools.get("CPU")));
      }));
  return registrations;
}

}  // namespace impulse::aaa
