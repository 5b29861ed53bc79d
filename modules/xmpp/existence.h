// Does an account exist? Asked of every password store in use, remembered for a moment.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/aaa/password_store.h"
#include "host/base/function.h"
#include "modules/xmpp/jid.h"

namespace impulse::xmpp {

/// Any thread.
class Existence {
 public:
  void set_stores(std::vector<std::shared_ptr<aaa::PasswordStore>> stores);
  /// Answers on `loop`, which is the calling one; at once when it is remembered. Only "yes" is
  /// remembered, for a few seconds: a new account must be there at once.
  void ask(event::Loop& loop, const Jid& bare, UniqueFunction<void(Result<bool>)> done);

 private:
  using Stores = std::vector<std::shared_ptr<aaa::PasswordStore>>;
  struct Question;
  void ask_next(std::unique_ptr<Question> question);
  bool remembers(const std::string& bare);
  void remember(const std::string& bare, const std::shared_ptr<const Stores>& sayers);

  std::mutex mutex_;  // guards what is listed beneath it
  std::shared_ptr<const Stores> stores_ = std::make_shared<const Stores>();
  std::unordered_map<std::string, std::chrono::steady_clock::time_point> known_;
};

}  // namespace impulse::xmpp
