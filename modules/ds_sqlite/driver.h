// The driver behind "sqlite:": from the rest of a uri to a Datasource.
#pragma once

#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/store/datasource.h"

namespace impulse::ds_sqlite {

/// Opens `rest_of_uri`, the absolute path of a file. May block.
Result<std::unique_ptr<store::Datasource>> open_datasource(const std::string& name,
                                                           const std::string& rest_of_uri);

}  // namespace impulse::ds_sqlite
