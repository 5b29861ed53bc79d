// ds_sqlite: the module that brings "sqlite:" datasources.
#include "host/host.h"
#include "host/module/descriptor.h"
#include "host/store/datasource.h"
#include "modules/ds_sqlite/driver.h"

namespace impulse::ds_sqlite {
namespace {

config::SchemaPart schema() {
  return {.provider = "ds_sqlite",
          .stanzas = {{.type = "ds_sqlite",
                       .parents = {""},
                       .help = "Loads the driver for datasources with a sqlite: uri."}},
          .tables = {}};
}

/// Nothing of it depends on the configuration: a Datasource stanza names file and driver.
class DsSqlite final : public Module {
 public:
  Result<std::unique_ptr<Prepared>> prepare(std::shared_ptr<const config::Generation>) override {
    struct Nothing final : Prepared {
      void commit() noexcept override {}
    };
    return std::unique_ptr<Prepared>(std::make_unique<Nothing>());
  }
};

Result<std::unique_ptr<Module>> start(Host& host) {
  host.datasources.add_driver("sqlite", &open_datasource);
  return std::unique_ptr<Module>(std::make_unique<DsSqlite>());
}

}  // namespace
}  // namespace impulse::ds_sqlite

IMPULSE_MODULE{
    .name = "ds_sqlite",
    .summary = "SQLite databases as datasources (sqlite:/path/to/file.db)",
    .schema = &impulse::ds_sqlite::schema,
    .start = &impulse::ds_sqlite::start,
};
