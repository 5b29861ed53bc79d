// AccountStore: the store behind account://, accounts that this server keeps in a datasource.
#include "host/aaa/account_store.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/aaa/account_record.h"

namespace impulse::aaa {
namespace {

constexpr const char* kStore = "accounts";

using DoneVoid = UniqueFunction<void(Result<void>)>;

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string address(const std::string& user, const std::string& domain) {
  return user + "@" + domain;
}

/// The way of a new password: keys in the pool, then into the datasource. Steps hand it on.
struct NewPassword {
  event::Loop& loop;
  store::Datasource& datasource;
  std::string user;
  std::string domain;
  AccountRecord record;
  DoneVoid done;

  static void insert(std::unique_ptr<NewPassword> step) {
    NewPassword& s = *step;
    s.datasource.map_insert(
        s.loop, kStore, s.domain, s.user, s.record.encode(),
        [step = std::move(step)](Result<bool> made) mutable {
          if (!made) return step->done(std::move(made).error());
          if (*made) return step->done({});
          step->done(Error{ErrorCode::kExists,
                           "account '" + address(step->user, step->domain) + "' exists already"});
        });
  }

  /// Keeps the time at which the account was made, if it can be read.
  static void replace(std::unique_ptr<NewPassword> step) {
    NewPassword& s = *step;
    s.datasource.map_get(
        s.loop, kStore, s.domain, s.user,
        [step = std::move(step)](Result<std::optional<std::string>> old) mutable {
          if (!old) return step->done(std::move(old).error());
          if (!*old) {
            return step->done(
                Error{ErrorCode::kNotFound,
                      "there is no account '" + address(step->user, step->domain) + "'"});
          }
          if (auto record = AccountRecord::decode(**old)) step->record.created = record->created;
          NewPassword& n = *step;
          std::vector<store::MapChange> changes{{n.user, n.record.encode()}};
          n.datasource.map_change(
              n.loop, kStore, n.domain, std::move(changes),
              [step = std::move(step)](Result<void> done) mutable { step->done(std::move(done)); });
        });
  }
};

/// The way of a removal. What the account had goes first: were it the other way round, a crash in
/// between would leave it to whoever registers the name next.
struct Removal {
  event::Loop& loop;
  store::Datasource& datasource;
  std::string user;
  std::string domain;
  DoneVoid done;

  static void start(std::unique_ptr<Removal> step) {
    Removal& s = *step;
    s.datasource.map_get(
        s.loop, kStore, s.domain, s.user,
        [step = std::move(step)](Result<std::optional<std::string>> found) mutable {
          if (!found) return step->done(std::move(found).error());
          if (!*found) {
            return step->done(
                Error{ErrorCode::kNotFound,
                      "there is no account '" + address(step->user, step->domain) + "'"});
          }
          erase_belongings(std::move(step), &Removal::erase_account);
        });
  }

  static void erase_account(std::unique_ptr<Removal> step) {
    Removal& s = *step;
    s.datasource.map_change(s.loop, kStore, s.domain, {{s.user, std::nullopt}},
                            [step = std::move(step)](Result<void> erased) mutable {
                              if (!erased) return step->done(std::move(erased));
                              // Once more: what arrived for it between the two.
                              erase_belongings(std::move(step), nullptr);
                            });
  }

  /// `next` may be null: then that was all.
  static void erase_belongings(std::unique_ptr<Removal> step,
                               void (*next)(std::unique_ptr<Removal>)) {
    Removal& s = *step;
    s.datasource.erase_owner(s.loop, address(s.user, s.domain),
                             [step = std::move(step), next](Result<void> erased) mutable {
                               if (!erased || next == nullptr) return step->done(std::move(erased));
                               next(std::move(step));
                             });
  }
};

/// Collects the accounts of all domains. Lives until the last answer.
struct Listing {
  std::vector<std::string> accounts;
  std::optional<Error> error;
  std::size_t waiting = 0;
  UniqueFunction<void(Result<std::vector<std::string>>)> done;

  void finish() {
    if (error) return done(*error);
    std::sort(accounts.begin(), accounts.end());
    done(std::move(accounts));
  }
};

}  // namespace

AccountStore::AccountStore(const std::string& rest, store::Datasource& datasource, event::Pool& cpu)
    : uri_("account://" + rest), datasource_(datasource), cpu_(cpu) {}

void AccountStore::find(event::Loop& loop, std::string user, std::string domain, Found found) {
  std::string place = "account '" + address(user, domain) + "'";
  datasource_.map_get(loop, kStore, std::move(domain), std::move(user),
                      [place = std::move(place),
                       found = std::move(found)](Result<std::optional<std::string>> row) mutable {
                        if (!row) return found(std::move(row).error());
                        if (!*row) return found(std::optional<Credentials>{});
                        auto record = AccountRecord::decode(**row);
                        if (!record) return found(std::move(record).error().in(place));
                        Credentials credentials;
                        credentials.sha1 = std::move(record->sha1);
                        credentials.sha256 = std::move(record->sha256);
                        found(std::optional<Credentials>{std::move(credentials)});
                      });
}

void AccountStore::set_password(event::Loop& loop, std::string user, std::string domain,
                                Secret password, bool must_be_new, DoneVoid done) {
  if (user.empty() || domain.empty() || password.empty()) {
    loop.post([done = std::move(done)]() mutable {
      done(Error{ErrorCode::kInvalid, "an account needs a user, a domain and a password"});
    });
    return;
  }
  auto step = std::make_unique<NewPassword>(
      NewPassword{loop, datasource_, std::move(user), std::move(domain), {}, std::move(done)});
  cpu_.run(
      loop,
      [password = std::move(password)] {
        return make_account_record(password.reveal(), now_seconds());
      },
      [step = std::move(step), must_be_new](AccountRecord record) mutable {
        step->record = std::move(record);
        if (must_be_new) return NewPassword::insert(std::move(step));
        NewPassword::replace(std::move(step));
      });
}

void AccountStore::remove(event::Loop& loop, std::string user, std::string domain, DoneVoid done) {
  Removal::start(std::make_unique<Removal>(
      Removal{loop, datasource_, std::move(user), std::move(domain), std::move(done)}));
}

void AccountStore::list(event::Loop& loop,
                        UniqueFunction<void(Result<std::vector<std::string>>)> done) {
  // Owners: the answers still to come, one for each domain.
  auto listing = std::make_shared<Listing>();
  listing->done = std::move(done);
  datasource_.map_owners(
      loop, kStore,
      [&loop, &datasource = datasource_, listing](Result<std::vector<std::string>> domains) {
        if (!domains) listing->error = domains.error();
        if (!domains || domains->empty()) return listing->finish();
        listing->waiting = domains->size();
        for (const std::string& domain : *domains) {
          datasource.map_all(
              loop, kStore, domain,
              [listing, domain](Result<std::vector<std::pair<std::string, std::string>>> rows) {
                if (!rows) {
                  listing->error = rows.error();
                } else {
                  for (const auto& [user, record] : *rows) {
                    listing->accounts.push_back(address(user, domain));
                  }
                }
                if (--listing->waiting == 0) listing->finish();
              });
        }
      });
}

}  // namespace impulse::aaa
