// Asking the password stores one after another.
#include "modules/xmpp/existence.h"

#include <utility>

namespace impulse::xmpp {

namespace {
constexpr std::chrono::seconds kRemembered{3};
constexpr std::size_t kMostRemembered = 100'000;
}  // namespace

struct Existence::Question {
  event::Loop& loop;
  Jid bare;
  UniqueFunction<void(Result<bool>)> done;
  std::shared_ptr<const Stores> stores;
  std::size_t next = 0;
};

void Existence::set_stores(Stores stores) {
  std::lock_guard lock(mutex_);
  stores_ = std::make_shared<const Stores>(std::move(stores));
  known_.clear();
}

bool Existence::remembers(const std::string& bare) {
  std::lock_guard lock(mutex_);
  auto at = known_.find(bare);
  if (at == known_.end()) return false;
  if (at->second > std::chrono::steady_clock::now()) return true;
  known_.erase(at);
  return false;
}

void Existence::remember(const std::string& bare, const std::shared_ptr<const Stores>& sayers) {
  std::lock_guard lock(mutex_);
  if (sayers != stores_) return;  // other stores came meanwhile: they decide
  if (known_.size() >= kMostRemembered) known_.clear();
  known_[bare] = std::chrono::steady_clock::now() + kRemembered;
}

void Existence::ask(event::Loop& loop, const Jid& bare, UniqueFunction<void(Result<bool>)> done) {
  if (!bare.has_local()) return done(false);
  if (remembers(std::string(bare.text()))) return done(true);
  std::shared_ptr<const Stores> stores;
  {
    std::lock_guard lock(mutex_);
    stores = stores_;
  }
  ask_next(std::make_unique<Question>(Question{loop, bare, std::move(done), std::move(stores)}));
}

void Existence::ask_next(std::unique_ptr<Question> question) {
  if (question->next == question->stores->size()) return question->done(false);
  aaa::PasswordStore& store = *(*question->stores)[question->next++];
  event::Loop& loop = question->loop;
  std::string user(question->bare.local()), domain(question->bare.domain());
  store.find(
      loop, std::move(user), std::move(domain),
      [this, q = std::move(question)](Result<std::optional<aaa::Credentials>> found) mutable {
        if (!found) return q->done(std::move(found).error());
        if (!*found) return ask_next(std::move(q));
        remember(std::string(q->bare.text()), q->stores);
        q->done(true);
      });
}

}  // namespace impulse::xmpp
