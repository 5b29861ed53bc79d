// PasswordStores: password stores by the scheme of their uri; what a store that only reads answers.
#include "host/aaa/password_store.h"

#include <utility>

namespace impulse::aaa {
namespace {

Error read_only(const std::string& uri) {
  return Error{ErrorCode::kDenied, "password store " + uri + " is only read by this server: " +
                                       "change accounts where they are kept"};
}

template <class Done>
void deny(event::Loop& loop, Done done, const std::string& uri) {
  loop.post([done = std::move(done), error = read_only(uri)]() mutable { done(std::move(error)); });
}

}  // namespace

void PasswordStore::set_password(event::Loop& loop, std::string, std::string, Secret, bool,
                                 UniqueFunction<void(Result<void>)> done) {
  deny(loop, std::move(done), uri());
}

void PasswordStore::remove(event::Loop& loop, std::string, std::string,
                           UniqueFunction<void(Result<void>)> done) {
  deny(loop, std::move(done), uri());
}

void PasswordStore::list(event::Loop& loop,
                         UniqueFunction<void(Result<std::vector<std::string>>)> done) {
  deny(loop, std::move(done), uri());
}

Registration PasswordStores::add_scheme(std::string scheme, StoreFactory factory) {
  {
    std::lock_guard lock(mutex_);
    schemes_.insert_or_assign(scheme, std::move(factory));
  }
  return Registration([this, scheme] {
    std::lock_guard lock(mutex_);
    schemes_.erase(scheme);
    std::erase_if(stores_,
                  [&](const auto& entry) { return entry.first.starts_with(scheme + "://"); });
  });
}

Result<std::shared_ptr<PasswordStore>> PasswordStores::get(const std::string& uri) {
  const std::size_t separator = uri.find("://");
  if (separator == std::string::npos || separator == 0) {
    return Error{ErrorCode::kInvalid,
                 "password store '" + uri + "': must be a uri, as file:///path or account://name"};
  }
  StoreFactory factory;
  {
    std::lock_guard lock(mutex_);
    if (auto at = stores_.find(uri); at != stores_.end()) return at->second;
    auto scheme = schemes_.find(uri.substr(0, separator));
    if (scheme == schemes_.end()) {
      std::string known;
      for (const auto& [name, unused] : schemes_)
        known += (known.empty() ? "" : ", ") + name + "://";
      return Error{ErrorCode::kNotFound, "password store '" + uri + "': no such kind; known are: " +
                                             (known.empty() ? "none" : known)};
    }
    factory = scheme->second;
  }
  // Without the lock: a factory looks at files, and may ask for another store.
  auto made = factory(uri.substr(separator + 3));
  if (!made) return std::move(made).error().in("password store '" + uri + "'");
  std::lock_guard lock(mutex_);
  return stores_.try_emplace(uri, std::move(*made)).first->second;
}

std::vector<std::string> PasswordStores::uris() {
  const std::scoped_lock lock(mutex_);
  std::vector<std::string> uris;
  for (const auto& [uri, store] : stores_) uris.push_back(uri);
  return uris;
}

}  // namespace impulse::aaa
