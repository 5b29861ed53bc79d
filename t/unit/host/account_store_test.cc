// Tests of host/aaa/account_store.cc and account_record.cc, and of the table of stores.
#include "host/aaa/account_store.h"

#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/aaa/account_record.h"
#include "host/aaa/builtin_stores.h"
#include "t/unit/host/loop_runner.h"

namespace impulse::aaa {
namespace {

/// A datasource that keeps its maps in memory, in order, and notes what is erased. Any thread;
/// answers come on the loop, as from a real one.
class MapsInMemory final : public store::Datasource {
 public:
  const std::string& name() const override { return name_; }

  void map_get(event::Loop& loop, std::string store, std::string owner, std::string key,
               store::Done<std::optional<std::string>> done) override {
    in_turn(loop, std::move(done), [=, this]() -> Result<std::optional<std::string>> {
      auto at = rows.find({store, owner, key});
      if (at == rows.end()) return std::optional<std::string>{};
      return std::optional<std::string>{at->second};
    });
  }
  void map_all(event::Loop& loop, std::string store, std::string owner,
               store::Done<std::vector<std::pair<std::string, std::string>>> done) override {
    using Pairs = std::vector<std::pair<std::string, std::string>>;
    in_turn(loop, std::move(done), [=, this]() -> Result<Pairs> {
      Pairs found;
      for (const auto& [key, value] : rows) {
        if (key[0] == store && key[1] == owner) found.emplace_back(key[2], value);
      }
      return found;
    });
  }
  void map_change(event::Loop& loop, std::string store, std::string owner,
                  std::vector<store::MapChange> changes, store::Done<void> done) override {
    in_turn(loop, std::move(done), [=, this]() -> Result<void> {
      for (const auto& [key, value] : changes) {
        events.push_back((value ? "set " : "delete ") + key + "@" + owner);
        if (value) {
          rows[{store, owner, key}] = *value;
        } else {
          rows.erase({store, owner, key});
        }
      }
      return {};
    });
  }
  void map_insert(event::Loop& loop, std::string store, std::string owner, std::string key,
                  std::string value, store::Done<bool> done) override {
    in_turn(loop, std::move(done), [=, this]() -> Result<bool> {
      return rows.try_emplace({store, owner, key}, value).second;
    });
  }
  void map_owners(event::Loop& loop, std::string store,
                  store::Done<std::vector<std::string>> done) override {
    in_turn(loop, std::move(done), [=, this]() -> Result<std::vector<std::string>> {
      std::set<std::string> owners;
      for (const auto& [key, value] : rows) {
        if (key[0] == store) owners.insert(key[1]);
      }
      return std::vector<std::string>(owners.begin(), owners.end());
    });
  }
  void erase_owner(event::Loop& loop, std::string owner, store::Done<void> done) override {
    in_turn(loop, std::move(done), [=, this]() -> Result<void> {
      events.push_back("erase " + owner);
      return {};
    });
  }
  void flush() override {}

  // Not asked for by account stores.
  void keyval_get(event::Loop& loop, std::string, std::string,
                  store::Done<std::optional<std::string>> done) override {
    refuse(loop, std::move(done));
  }
  void keyval_set(event::Loop& loop, std::string, std::string, std::optional<std::string>,
                  store::Done<void> done) override {
    refuse(loop, std::move(done));
  }
  void archive_append(event::Loop& loop, std::string, std::string, store::ArchiveEntry,
                      store::Done<std::int64_t> done) override {
    refuse(loop, std::move(done));
  }
  void archive_find(event::Loop& loop, std::string, std::string, store::ArchiveQuery,
                    store::Done<std::vector<store::ArchiveEntry>> done) override {
    refuse(loop, std::move(done));
  }
  void archive_count(event::Loop& loop, std::string, std::string,
                     store::Done<std::int64_t> done) override {
    refuse(loop, std::move(done));
  }
  void archive_delete(event::Loop& loop, std::string, std::string, std::optional<std::int64_t>,
                      store::Done<std::int64_t> done) override {
    refuse(loop, std::move(done));
  }
  void sql(event::Loop& loop, std::string, std::vector<std::pair<std::string, store::SqlValue>>,
           store::Done<store::Rows> done) override {
    refuse(loop, std::move(done));
  }

  /// Everything, by {store, owner, key}, and what happened. While nothing is asked.
  std::map<std::array<std::string, 3>, std::string> rows;
  std::vector<std::string> events;
  bool is_broken = false;

 private:
  template <class T, class Work>
  void in_turn(event::Loop& loop, store::Done<T> done, Work work) {
    loop.post([this, done = std::move(done), work = std::move(work)]() mutable {
      if (is_broken) return done(Error{ErrorCode::kUnavailable, "disk full"});
      done(work());
    });
  }
  template <class T>
  void refuse(event::Loop& loop, store::Done<T> done) {
    loop.post([done = std::move(done)]() mutable { done(Error{ErrorCode::kDenied, "maps only"}); });
  }
  std::string name_ = "main";
};

class AccountStoreTest : public ::testing::Test {
 protected:
  Result<void> set(std::string user, std::string domain, std::string password, bool must_be_new) {
    return runner_.wait<void>([&](auto done) {
      store_.set_password(runner_.loop(), user, domain, Secret(password), must_be_new,
                          std::move(done));
    });
  }
  Result<std::optional<Credentials>> find(std::string user, std::string domain) {
    return runner_.wait<std::optional<Credentials>>(
        [&](auto done) { store_.find(runner_.loop(), user, domain, std::move(done)); });
  }
  bool is_password(std::string user, std::string domain, std::string password) {
    const auto found = find(user, domain);
    return found.value() && password_matches(*found.value(), password);
  }
  Result<void> remove(std::string user, std::string domain) {
    return runner_.wait<void>(
        [&](auto done) { store_.remove(runner_.loop(), user, domain, std::move(done)); });
  }
  Result<std::vector<std::string>> list() {
    return runner_.wait<std::vector<std::string>>(
        [&](auto done) { store_.list(runner_.loop(), std::move(done)); });
  }

  LoopRunner runner_;
  MapsInMemory maps_;
  event::Pool cpu_{"CPU", 2};
  AccountStore store_{"main", maps_, cpu_};
};

TEST_F(AccountStoreTest, ANewAccountHasKeysForBothHashesAndNoPassword) {
  ASSERT_TRUE(set("juliet", "example.com", "pencil", true));
  const auto found = find("juliet", "example.com");
  ASSERT_TRUE(found && *found);
  EXPECT_FALSE((*found)->password);
  ASSERT_TRUE((*found)->sha1 && (*found)->sha256);
  for (const auto& [hash, keys] : {std::pair{ScramHash::kSha1, *(*found)->sha1},
                                   std::pair{ScramHash::kSha256, *(*found)->sha256}}) {
    EXPECT_EQ(keys.iterations, kScramIterations);
    EXPECT_EQ(keys.salt.size(), 16u);
    const ScramKeys again = derive_scram_keys(hash, "pencil", keys.salt, keys.iterations);
    EXPECT_EQ(again.stored_key, keys.stored_key);
    EXPECT_EQ(again.server_key, keys.server_key);
  }
  EXPECT_NE((*found)->sha1->salt, (*found)->sha256->salt);
  for (const auto& [key, value] : maps_.rows) {
    EXPECT_EQ(value.find("pencil"), std::string::npos);
  }
  EXPECT_EQ(maps_.rows.begin()->first,
            (std::array<std::string, 3>{"accounts", "example.com", "juliet"}));
}

TEST_F(AccountStoreTest, AccountsOfTwoDomainsAreTwo) {
  ASSERT_TRUE(set("juliet", "example.com", "one", true));
  ASSERT_TRUE(set("juliet", "example.net", "two", true));
  EXPECT_TRUE(is_password("juliet", "example.com", "one"));
  EXPECT_FALSE(is_password("juliet", "example.com", "two"));
  EXPECT_TRUE(is_password("juliet", "example.net", "two"));
  EXPECT_FALSE(find("juliet", "example.org").value());
}

TEST_F(AccountStoreTest, ANameThatIsTakenIsNotTakenOver) {
  ASSERT_TRUE(set("juliet", "example.com", "hers", true));
  const auto second = set("juliet", "example.com", "mine", true);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
  EXPECT_TRUE(is_password("juliet", "example.com", "hers"));
}

TEST_F(AccountStoreTest, OfManyWhoRegisterANameAtOnceOneGetsIt) {
  std::latch finished(8);
  std::atomic<int> got = 0;
  for (int i = 0; i < 8; ++i) {
    store_.set_password(runner_.loop(), "juliet", "example.com", Secret(std::to_string(i)), true,
                        [&](Result<void> done) {
                          if (done) ++got;
                          finished.count_down();
                        });
  }
  finished.wait();
  EXPECT_EQ(got, 1);
}

TEST_F(AccountStoreTest, ANewPasswordReplacesTheOldOneAndKeepsTheAccountsAge) {
  AccountRecord old = make_account_record("old", 12345);
  maps_.rows[{"accounts", "example.com", "juliet"}] = old.encode();
  ASSERT_TRUE(is_password("juliet", "example.com", "old"));
  ASSERT_TRUE(set("juliet", "example.com", "new", false));
  EXPECT_TRUE(is_password("juliet", "example.com", "new"));
  EXPECT_FALSE(is_password("juliet", "example.com", "old"));
  const auto record = AccountRecord::decode(maps_.rows[{"accounts", "example.com", "juliet"}]);
  EXPECT_EQ(record.value().created, 12345);
}

TEST_F(AccountStoreTest, NothingIsNoNameAndNoPassword) {
  for (const auto& [user, domain, password] :
       {std::array<std::string, 3>{"", "d", "p"}, {"u", "", "p"}, {"u", "d", ""}}) {
    const auto done = set(user, domain, password, true);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::kInvalid);
  }
  EXPECT_TRUE(maps_.rows.empty());
}

TEST_F(AccountStoreTest, RemovingErasesWhatTheAccountHadBeforeItsName) {
  ASSERT_TRUE(set("juliet", "example.com", "p", true));
  ASSERT_TRUE(set("romeo", "example.com", "p", true));
  ASSERT_TRUE(remove("juliet", "example.com"));
  EXPECT_EQ(maps_.events,
            (std::vector<std::string>{"erase juliet@example.com", "delete juliet@example.com",
                                      "erase juliet@example.com"}));
  EXPECT_EQ(list().value(), (std::vector<std::string>{"romeo@example.com"}));
  const auto again = remove("juliet", "example.com");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
}

TEST_F(AccountStoreTest, AllAccountsAreListedInOrder) {
  EXPECT_TRUE(list().value().empty());
  for (const auto& [user, domain] : {std::pair<std::string, std::string>{"romeo", "example.net"},
                                     {"nurse", "example.com"},
                                     {"juliet", "example.com"}}) {
    ASSERT_TRUE(set(user, domain, "p", true));
  }
  EXPECT_EQ(list().value(), (std::vector<std::string>{"juliet@example.com", "nurse@example.com",
                                                      "romeo@example.net"}));
}

TEST_F(AccountStoreTest, ABrokenDatasourceIsAnErrorAndNotAnUnknownAccount) {
  ASSERT_TRUE(set("juliet", "example.com", "p", true));
  maps_.is_broken = true;
  const ErrorCode expected = ErrorCode::kUnavailable;
  EXPECT_EQ(find("juliet", "example.com").error().code, expected);
  EXPECT_EQ(set("romeo", "example.com", "p", true).error().code, expected);
  EXPECT_EQ(set("juliet", "example.com", "p", false).error().code, expected);
  EXPECT_EQ(remove("juliet", "example.com").error().code, expected);
  EXPECT_EQ(list().error().code, expected);
}

TEST_F(AccountStoreTest, ARecordThatCannotBeReadIsAnError) {
  maps_.rows[{"accounts", "example.com", "juliet"}] = "v2 something";
  const auto found = find("juliet", "example.com");
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().what.find("juliet@example.com"), std::string::npos);
}

TEST(AccountRecordText, ComesBackAsItWasWritten) {
  const AccountRecord record = make_account_record("pencil", 1700000000);
  const auto read = AccountRecord::decode(record.encode());
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->created, record.created);
  EXPECT_EQ(read->sha1.salt, record.sha1.salt);
  EXPECT_EQ(read->sha1.stored_key, record.sha1.stored_key);
  EXPECT_EQ(read->sha1.server_key, record.sha1.server_key);
  EXPECT_EQ(read->sha256.iterations, kScramIterations);
  EXPECT_EQ(read->sha256.stored_key, record.sha256.stored_key);
  EXPECT_TRUE(AccountRecord::decode(record.encode() + " later=field"));
}

TEST(AccountRecordText, IsRefusedWhenAPieceIsMissingOrWrong) {
  const std::string good = make_account_record("pencil", 1700000000).encode();
  ASSERT_TRUE(AccountRecord::decode(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(AccountRecord::decode(good.substr(0, size))) << size;
  }
  const auto replaced = [&](std::string from, const std::string& to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  EXPECT_FALSE(AccountRecord::decode(replaced("v1", "v2")));
  EXPECT_FALSE(AccountRecord::decode(replaced("created=", "created=x")));
  EXPECT_FALSE(AccountRecord::decode(replaced("sha1=10000", "sha1=0")));
  EXPECT_FALSE(AccountRecord::decode(replaced("sha256=10000", "sha256=-1")));
  EXPECT_FALSE(AccountRecord::decode(replaced("sha1=10000:", "sha1=10000:zz")));
  EXPECT_FALSE(AccountRecord::decode(replaced("sha1=10000:", "sha1=10000:0")));
}

TEST(PasswordStoreTable, GivesOneStorePerUri) {
  PasswordStores stores;
  event::PoolSet pools;
  store::Datasources datasources;
  datasources.add_driver("memory", [](const std::string&, const std::string&) {
    return Result<std::unique_ptr<store::Datasource>>(std::make_unique<MapsInMemory>());
  });
  ASSERT_TRUE(datasources.open("main", "memory:"));
  {
    const Registrations registrations = register_builtin_stores(stores, datasources, pools);
    const auto first = stores.get("account://main");
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_EQ((*first)->uri(), "account://main");
    EXPECT_EQ(stores.get("account://main").value(), *first);
    EXPECT_EQ(stores.uris(), (std::vector<std::string>{"account://main"}));

    const auto missing = stores.get("account://other");
    ASSERT_FALSE(missing);
    EXPECT_NE(missing.error().what.find("Datasource 'other'"), std::string::npos);
    const auto unknown = stores.get("ldap://host");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
    EXPECT_NE(unknown.error().what.find("account://, file://"), std::string::npos);
    EXPECT_EQ(stores.get("/etc/users").error().code, ErrorCode::kInvalid);
    const auto no_file = stores.get("file:///no/such/file");
    ASSERT_FALSE(no_file);
    EXPECT_NE(no_file.error().what.find("/no/such/file"), std::string::npos);
  }
  EXPECT_FALSE(stores.get("account://main"));
  EXPECT_TRUE(stores.uris().empty());
  pools.stop();
}

}  // namespace
}  // namespace impulse::aaa
