// The engine as a whole: what is shared by all loops.
#include "modules/xmpp/engine.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "host/base/check.h"
#include "host/host.h"
#include "modules/xmpp/client_stream.h"
#include "modules/xmpp/existence.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/random_id.h"

namespace impulse::xmpp {

Engine::Engine(Host& host)
    : host_(host),
      domains_(std::make_shared<const Domains>()),
      observers_(std::make_shared<const Observers>()),
      existence_(std::make_unique<Existence>()),
      scram_keys_(std::make_unique<sasl::ScramKeyCache>(random_id() + random_id())) {
  for (unsigned i = 0; i < host.loops.size(); ++i) {
    loops_.push_back(std::make_unique<EngineLoop>(*this, host.loops.at(i)));
  }
}

Engine::~Engine() = default;

EngineLoop& Engine::here() {
  event::Loop* loop = event::Loop::current();
  IMPULSE_CHECK(loop != nullptr && loop->index() < loops_.size() &&
                &loops_[loop->index()]->loop() == loop);
  return *loops_[loop->index()];
}

void Engine::route(Stanza stanza) {
  IMPULSE_CHECK(stanza.to().has_value());
  EngineLoop& target = home(*stanza.to());
  if (target.loop().is_here()) return target.route(std::move(stanza));
  target.loop().post(
      [&target, stanza = std::move(stanza)]() mutable { target.route(std::move(stanza)); });
}

std::shared_ptr<const Domains> Engine::domains() const {
  std::lock_guard lock(mutex_);
  return domains_;
}

bool Engine::is_local_domain(std::string_view domain) const {
  return domains()->served.contains(domain);
}

bool Engine::is_valid_domain(std::string_view domain) const {
  const std::shared_ptr<const Domains> all = domains();
  return all->served.contains(domain) || (all->may_reach && all->may_reach(domain));
}

void Engine::set_domains(std::shared_ptr<const Domains> domains) {
  {
    std::lock_guard lock(mutex_);
    domains_ = domains;
  }
  for (auto& loop : loops_) {
    loop->loop().post([&loop = *loop, domains] { loop.use_domains(domains); });
  }
}

Registration Engine::observe(std::shared_ptr<TrafficObserver> observer) {
  auto publish = [this](auto change) {
    std::shared_ptr<const Observers> now;
    {
      std::lock_guard lock(mutex_);
      Observers next = *observers_;
      change(next);
      now = observers_ = std::make_shared<const Observers>(std::move(next));
    }
    for (auto& loop : loops_) {
      loop->loop().post([&loop = *loop, now] { loop.use_observers(now); });
    }
  };
  publish([&](Observers& all) { all.push_back(observer); });
  return Registration(
      [publish, observer] { publish([&](Observers& all) { std::erase(all, observer); }); });
}

Registration Engine::add_feature(std::string_view target, std::string feature) {
  std::lock_guard lock(features_mutex_);
  auto at = features_.emplace(std::string(target), std::move(feature));
  return Registration([this, at] {
    std::lock_guard relock(features_mutex_);
    features_.erase(at);
  });
}

std::vector<std::string> Engine::features(std::string_view target) const {
  std::vector<std::string> found;
  {
    std::lock_guard lock(features_mutex_);
    const auto [first, last] = features_.equal_range(target);
    for (auto at = first; at != last; ++at) found.push_back(at->second);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void Engine::set_password_stores(std::vector<std::shared_ptr<aaa::PasswordStore>> stores) {
  existence_->set_stores(std::move(stores));
}

void Engine::account_exists(event::Loop& loop, const Jid& bare,
                            UniqueFunction<void(Result<bool>)> done) {
  existence_->ask(loop, bare, std::move(done));
}

void Engine::set_datasource_name(std::string name) {
  std::lock_guard lock(mutex_);
  datasource_name_ = std::move(name);
}

store::Datasource* Engine::datasource() const {
  std::lock_guard lock(mutex_);
  return host_.datasources.find(datasource_name_);
}

void Engine::accept(event::Loop& loop, UniqueFd socket, net::Address peer,
                    std::shared_ptr<const StreamOptions> options) {
  EngineLoop& home = at(loop.index());
  if (home.is_stopping()) return;
  auto stream = std::make_unique<ClientStream>(
      home, std::make_unique<net::ByteStream>(loop, std::move(socket), std::move(peer)),
      std::move(options));
  ClientStream& started = *stream;
  home.adopt(std::move(stream));
  started.start();
}

void Engine::list_sessions(UniqueFunction<void(std::vector<SessionSummary>)> done) {
  struct Gathering {
    std::vector<SessionSummary> rows;
    unsigned missing;
    UniqueFunction<void(std::vector<SessionSummary>)> done;
  };
  // Owners: one task per loop; all touch it on the main loop only.
  auto all = std::make_shared<Gathering>(Gathering{{}, loops(), std::move(done)});
  event::Loop& main = host_.loops.main();
  for (auto& loop : loops_) {
    loop->loop().post([&loop = *loop, &main, all] {
      main.post([all, rows = loop.summaries()] {
        all->rows.insert(all->rows.end(), rows.begin(), rows.end());
        if (--all->missing > 0) return;
        std::sort(all->rows.begin(), all->rows.end(),
                  [](const auto& a, const auto& b) { return a.jid < b.jid; });
        all->done(std::move(all->rows));
      });
    });
  }
}

void Engine::stop(std::function<void()> done) {
  auto missing = std::make_shared<unsigned>(loops());  // owners: one task per loop, on main
  event::Loop& main = host_.loops.main();
  for (auto& loop : loops_) {
    loop->loop().post([&loop = *loop, &main, missing, done] {
      loop.stop([&main, missing, done] {
        main.post([missing, done] {
          if (--*missing == 0) done();
        });
      });
    });
  }
}

}  // namespace impulse::xmpp
