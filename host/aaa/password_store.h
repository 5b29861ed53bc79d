// Where passwords are: the interface of a store, and the table of stores by uri scheme.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/aaa/secret.h"
#include "host/base/function.h"
#include "host/base/result.h"
#include "host/event/loop.h"
#include "host/module/hook.h"

namespace impulse::aaa {

/// SCRAM's stored form of a password for one hash (RFC 5802 section 3).
struct ScramKeys {
  std::string salt;  ///< raw bytes
  std::uint32_t iterations = 0;
  std::string stored_key;  ///< raw bytes
  std::string server_key;  ///< raw bytes
};
enum class ScramHash { kSha1, kSha256 };
inline constexpr std::uint32_t kScramIterations = 10000;

/// What a store knows of an account: the password itself, or keys for one or both hashes.
struct Credentials {
  std::optional<Secret> password;
  std::optional<ScramKeys> sha1;
  std::optional<ScramKeys> sha256;
};

/// RFC 5802: keys from a prepared password. Blocks for the cost of PBKDF2 (milliseconds).
ScramKeys derive_scram_keys(ScramHash hash, std::string_view password, std::string_view salt,
                            std::uint32_t iterations);
/// Does `password` belong to these credentials? Constant time in the comparison; may cost PBKDF2.
bool password_matches(const Credentials& credentials, std::string_view password);

using Found = UniqueFunction<void(Result<std::optional<Credentials>>)>;

/// One store. Any thread; answers come on `loop`.
class PasswordStore {
 public:
  virtual ~PasswordStore() = default;
  virtual const std::string& uri() const = 0;
  /// Looks an account up; `user` is a prepared localpart, `domain` its domain. nullopt = unknown
  /// account; an Error means that the store could not be asked (temporary failure).
  virtual void find(event::Loop& loop, std::string user, std::string domain, Found found) = 0;
  /// Stores that keep accounts themselves (account://) can change them; others answer kDenied.
  virtual void set_password(event::Loop& loop, std::string user, std::string domain,
                            Secret password, bool must_be_new,
                            UniqueFunction<void(Result<void>)> done);
  virtual void remove(event::Loop& loop, std::string user, std::string domain,
                      UniqueFunction<void(Result<void>)> done);
  /// All accounts as user@domain, sorted.
  virtual void list(event::Loop& loop, UniqueFunction<void(Result<std::vector<std::string>>)> done);
};

using StoreFactory =
    std::function<Result<std::shared_ptr<PasswordStore>>(const std::string& rest_of_uri)>;

/// Stores by uri: one object per distinct uri. add_scheme: main thread. get: any thread.
class PasswordStores {
 public:
  [[nodiscard]] Registration add_scheme(std::string scheme, StoreFactory factory);
  /// "file:///etc/users" etc.; kNotFound names the schemes there are.
  Result<std::shared_ptr<PasswordStore>> get(const std::string& uri);
  /// The uris of the stores that somebody asked for, sorted. Any thread.
  std::vector<std::string> uris();

 private:
  std::mutex mutex_;  // guards both maps
  std::map<std::string, StoreFactory, std::less<>> schemes_;
  std::map<std::string, std::shared_ptr<PasswordStore>, std::less<>> stores_;
};

}  // namespace impulse::aaa
