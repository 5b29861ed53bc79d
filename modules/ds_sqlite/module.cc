// ds_sqlite: the module that brings "sqlite:" datasources.
#include <filesystem>
#include <system_error>

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
  host.datasources.add_driver("sqlite", [&host](const std::string& name, const std::string& path) {
    std::error_code unknown;
    const bool is_new = !std::filesystem::exists(path, unknown);
    auto opened = open_datasource(name, path);
    if (opened && is_new) {
      // Made while we may still be root; the server's user must be able to write them all.
      for (const char* suffix : {"", "-wal", "-shm"}) host.created_files.push_back(path + suffix);
    }
    return opened;
  });
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
