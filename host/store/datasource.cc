// Datasources: drivers by scheme, open databases by name.
#include "host/store/datasource.h"

namespace impulse::store {

void Datasource::map_insert(event::Loop& loop, std::string, std::string, std::string, std::string,
                            Done<bool> done) {
  Error error{ErrorCode::kDenied, "datasource '" + name() + "' has no insert in one step"};
  loop.post(
      [done = std::move(done), error = std::move(error)]() mutable { done(std::move(error)); });
}

void Datasources::add_driver(std::string scheme, DriverFactory factory) {
  std::lock_guard lock(mutex_);
  drivers_.insert_or_assign(std::move(scheme), std::move(factory));
}

Result<Datasource*> Datasources::open(const std::string& name, const std::string& uri) {
  const std::string place = "Datasource '" + name + "'";
  if (name.empty()) return Error{ErrorCode::kInvalid, "a Datasource needs a name"};
  const std::size_t colon = uri.find(':');
  // A uri may hold a password, so that errors show no more of it than its scheme.
  if (colon == std::string::npos || colon == 0) {
    return Error{ErrorCode::kInvalid, "uri without a driver: must be as sqlite:/path/to/file.db"}
        .in(place);
  }
  const std::string scheme = uri.substr(0, colon);
  DriverFactory factory;
  {
    std::lock_guard lock(mutex_);
    if (auto at = open_.find(name); at != open_.end()) {
      if (at->second.uri == uri) return at->second.datasource.get();
      return Error{ErrorCode::kExists, "is open with another uri; a changed uri needs a restart"}
          .in(place);
    }
    auto driver = drivers_.find(scheme);
    if (driver == drivers_.end()) {
      std::string known;
      for (const auto& [other, unused] : drivers_) known += (known.empty() ? "" : ", ") + other;
      return Error{ErrorCode::kNotFound,
                   "uri: there is no driver '" + scheme + "'; " +
                       (known.empty() ? "no driver is loaded" : "known are: " + known)}
          .in(place);
    }
    factory = driver->second;
  }
  // Without the lock: opening may take long, and find() must not wait for it.
  auto opened = factory(name, uri.substr(colon + 1));
  if (!opened) return std::move(opened).error().in(place);
  std::lock_guard lock(mutex_);
  Open& entry = open_[name];
  entry = Open{uri, std::move(*opened)};
  return entry.datasource.get();
}

Datasource* Datasources::find(std::string_view name) const {
  std::lock_guard lock(mutex_);
  auto at = open_.find(name);
  return at == open_.end() ? nullptr : at->second.datasource.get();
}

void Datasources::flush_all() {
  std::vector<Datasource*> all;
  {
    std::lock_guard lock(mutex_);
    for (auto& [name, entry] : open_) all.push_back(entry.datasource.get());
  }
  for (Datasource* datasource : all) datasource->flush();
}

void Datasources::close_all() {
  std::map<std::string, Open, std::less<>> closing;
  std::lock_guard lock(mutex_);
  closing.swap(open_);
  // Declared first, `closing` ends last: the databases close without our lock.
}

}  // namespace impulse::store
