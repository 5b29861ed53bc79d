// The handlers of the account commands, over the password stores in use.
#include "host/daemon/account_commands.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/aaa/account_names.h"
#include "host/aaa/password_store.h"
#include "host/daemon/daemon.h"

namespace impulse::daemon {

namespace {

using control::Reply;
using control::Request;
using StorePtr = std::shared_ptr<aaa::PasswordStore>;

constexpr std::string_view kAccountScheme = "account://";
constexpr const char* kDefaultUri = "account://impulse";
constexpr std::size_t kLongestPassword = 1024;

/// The store a command is about: the one named, else the first in use that keeps accounts itself,
/// else the account table of the Datasource "impulse".
Result<StorePtr> choose_store(Daemon& daemon, const std::string& uri) {
  aaa::PasswordStores& stores = daemon.rooms().passwords;
  if (!uri.empty()) return stores.get(uri);
  for (const std::string& used : stores.uris()) {
    if (used.starts_with(kAccountScheme)) return stores.get(used);
  }
  if (daemon.rooms().datasources.find("impulse") != nullptr) return stores.get(kDefaultUri);
  return Error{ErrorCode::kNotFound,
               "no password store in use keeps accounts itself; name one behind the account, such "
               "as account://DATASOURCE, and use it in the configuration"};
}

Result<aaa::AccountName> prepare_name(Daemon& daemon, const std::string& text) {
  auto* names = daemon.rooms().services.find<aaa::AccountNames>();
  return names != nullptr ? names->prepare(text) : aaa::plain_account_name(text);
}

/// What `user add|passwd|delete` are about.
struct Target {
  StorePtr store;
  aaa::AccountName name;
};

Result<Target> read_target(Daemon& daemon, const Request& request) {
  if (request.arguments.empty() || request.arguments.size() > 2) {
    return Error{ErrorCode::kInvalid, "what would be right: user@domain [store uri]"};
  }
  auto name = prepare_name(daemon, request.arguments[0]);
  if (!name) return name.error();
  auto store = choose_store(daemon, request.arguments.size() == 2 ? request.arguments[1] : "");
  if (!store) return store.error();
  return Target{std::move(*store), std::move(*name)};
}

/// The first line of the input; the input is wiped.
Result<aaa::Secret> take_password(std::string& input) {
  const std::string_view line = std::string_view(input).substr(0, input.find('\n'));
  aaa::Secret password(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  std::fill(input.begin(), input.end(), '\0');
  if (password.empty()) {
    return Error{ErrorCode::kInvalid, "the password on standard input is empty"};
  }
  if (password.reveal().size() > kLongestPassword) {
    return Error{ErrorCode::kTooBig,
                 "the password has more than " + std::to_string(kLongestPassword) + " bytes"};
  }
  return password;
}

void set_password(Daemon& daemon, Request request, Reply reply, bool must_be_new) {
  auto password = take_password(request.input);
  if (!password) return reply(password.error());
  auto target = read_target(daemon, request);
  if (!target) return reply(target.error());
  const std::string account = target->name.first + "@" + target->name.second;
  StorePtr store = target->store;
  auto done = [reply = std::move(reply), account, must_be_new, store](Result<void> set) mutable {
    if (!set) return reply(set.error().in(account));
    reply((must_be_new ? "Added " : "Changed the password of ") + account + "\n");
  };
  store->set_password(daemon.rooms().loops.main(), target->name.first, target->name.second,
                      std::move(*password), must_be_new, std::move(done));
}

void remove(Daemon& daemon, const Request& request, Reply reply) {
  auto target = read_target(daemon, request);
  if (!target) return reply(target.error());
  const std::string account = target->name.first + "@" + target->name.second;
  StorePtr store = target->store;
  auto done = [reply = std::move(reply), account, store](Result<void> removed) mutable {
    if (!removed) return reply(removed.error().in(account));
    reply("Deleted " + account + "\n");
  };
  store->remove(daemon.rooms().loops.main(), target->name.first, target->name.second,
                std::move(done));
}

void list(Daemon& daemon, const Request& request, Reply reply) {
  auto store = choose_store(daemon, request.arguments.empty() ? "" : request.arguments.front());
  if (!store) return reply(store.error());
  auto done = [reply = std::move(reply),
               kept = *store](Result<std::vector<std::string>> accounts) mutable {
    if (!accounts) return reply(accounts.error());
    std::string text;
    for (const std::string& account : *accounts) text += account + "\n";
    reply(std::move(text));
  };
  (*store)->list(daemon.rooms().loops.main(), std::move(done));
}

}  // namespace

void add_account_commands(Daemon& daemon, Registrations& registrations) {
  control::CommandTable& table = daemon.rooms().commands;
  registrations.push_back(
      table.add({.words = "user add",
                 .arguments = "USER@DOMAIN [STORE]",
                 .help = "Adds an account; the password comes on standard input.",
                 .reads_input = true,
                 .run =
                     [&daemon](Request request, Reply reply) {
                       set_password(daemon, std::move(request), std::move(reply), true);
                     },
                 .input_prompt = "Password"}));
  registrations.push_back(
      table.add({.words = "user passwd",
                 .arguments = "USER@DOMAIN [STORE]",
                 .help = "Changes the password of an account; it comes on standard input.",
                 .reads_input = true,
                 .run =
                     [&daemon](Request request, Reply reply) {
                       set_password(daemon, std::move(request), std::move(reply), false);
                     },
                 .input_prompt = "Password"}));
  registrations.push_back(table.add({.words = "user delete",
                                     .arguments = "USER@DOMAIN [STORE]",
                                     .help = "Deletes an account.",
                                     .run = [&daemon](Request request, Reply reply) {
                                       remove(daemon, request, std::move(reply));
                                     }}));
  registrations.push_back(table.add({.words = "user list",
                                     .arguments = "[STORE]",
                                     .help = "Lists the accounts of a store.",
                                     .run = [&daemon](Request request, Reply reply) {
                                       list(daemon, request, std::move(reply));
                                     }}));
}

}  // namespace impulse::daemon
