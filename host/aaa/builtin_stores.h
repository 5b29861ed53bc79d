// The password stores that come with the host: file:// and account://.
#pragma once

#include "host/aaa/password_store.h"
#include "host/event/pool.h"
#include "host/module/hook.h"
#include "host/store/datasource.h"

namespace impulse::aaa {

/// Registers them. All three must outlive the registrations and every store. A datasource must be
/// open before account://NAME is asked for. Main thread.
[[nodiscard]] Registrations register_builtin_stores(PasswordStores& stores,
                                                    store::Datasources& datasources,
                                                    event::PoolSet& pools);

}  // namespace impulse::aaa
