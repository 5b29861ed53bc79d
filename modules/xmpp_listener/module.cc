// xmpp_listener: opens the endpoints of each generation and hands accepted sockets to the engine.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/config/scope.h"
#include "host/host.h"
#include "host/module/descriptor.h"
#include "host/module/services.h"
#include "host/net/listener.h"
#include "modules/xmpp_listener/endpoint.h"
#include "modules/xmpp_listener/module_log.h"
#include "modules/xmpp_listener/options.h"

namespace impulse::xmpp_listener {

log::Source& module_log() {
  static log::Source source("xmpp_listener", log::Level::kError);
  return source;
}

namespace {

/// An endpoint of the next generation: the one that listens already, or a socket bound for it.
struct Wanted {
  std::string name;
  net::SocketOptions socket;
  std::shared_ptr<const Endpoint> endpoint;
  std::optional<net::BoundSocket> bound;  ///< empty: what listens now is kept
};

class ListenerModule final : public Module {
 public:
  ListenerModule(Host& host, xmpp::Engine& engine) : host_(host), engine_(engine) {}

  Result<std::unique_ptr<Prepared>> prepare(
      std::shared_ptr<const config::Generation> next) override {
    auto prepared = std::make_unique<NextGeneration>(*this);
    std::string problems;
    auto report = [&problems](const Error& error) {
      if (!problems.empty()) problems += '\n';
      problems += error.what;
    };
    for (const config::Node* listener : next->root->all("xmpp_listener")) {
      for (const config::Node* listen : listener->all("listen")) {
        const auto options = config::resolve<ListenOptions>(
            listen_table(), config::listener_chain(*listener, listen, {}));
        auto endpoint = Endpoint::make(host_, next, *listener, *listen);
        if (!endpoint) {
          report(endpoint.error());
        } else if (options.enable) {
          prepared->wanted.push_back(
              {listen->name, socket_options(options), std::move(*endpoint), std::nullopt});
        }
      }
    }
    if (problems.empty()) bind(prepared->wanted);
    if (!problems.empty()) return Error{ErrorCode::kInvalid, std::move(problems)};
    return std::unique_ptr<Prepared>(std::move(prepared));
  }

  void stop(std::function<void()> done) override {
    close_all();
    done();
  }

 private:
  struct NextGeneration final : Prepared {
    explicit NextGeneration(ListenerModule& m) : module(m) {}
    void commit() noexcept override { module.use(std::move(wanted)); }
    ListenerModule& module;
    std::vector<Wanted> wanted;
  };

  bool keeps(const Wanted& wanted) const {
    auto at = listeners_.find(wanted.name);
    return at != listeners_.end() && at->second->options() == wanted.socket;
  }

  /// An address that cannot be had stops neither the others nor the server (reference 3.5): the
  /// operator is told at once and loudly.
  void bind(std::vector<Wanted>& all) {
    for (Wanted& wanted : all) {
      if (keeps(wanted)) continue;
      // The same address with other options: the old socket must go before the new one comes.
      if (auto at = listeners_.find(wanted.name); at != listeners_.end()) {
        host_.listeners.remove(at->second.get());
        listeners_.erase(at);
      }
      auto socket = net::BoundSocket::bind(wanted.name, wanted.socket);
      if (socket) {
        wanted.bound = std::move(*socket);
      } else {
        LOG(module_log(), kCritical, "listen_failed", {"listen", wanted.name},
            {"error", socket.error().what});
      }
    }
  }

  net::AcceptHandler handler(std::shared_ptr<const Endpoint> endpoint) {
    return [this, endpoint = std::move(endpoint)](event::Loop& loop, UniqueFd socket,
                                                  net::Address peer) {
      if (auto options = endpoint->options_for(peer.host())) {
        engine_.accept(loop, std::move(socket), std::move(peer), std::move(options));
      }
    };
  }

  void use(std::vector<Wanted> all) {
    std::map<std::string, std::unique_ptr<net::Listener>> now;
    std::vector<std::shared_ptr<aaa::PasswordStore>> stores;
    for (Wanted& wanted : all) {
      for (auto& store : wanted.endpoint->password_stores()) {
        if (std::find(stores.begin(), stores.end(), store) == stores.end()) stores.push_back(store);
      }
      if (wanted.bound) {
        auto made = std::make_unique<net::Listener>(host_.loops, std::move(*wanted.bound),
                                                    handler(wanted.endpoint));
        host_.listeners.add(made.get());
        now[wanted.name] = std::move(made);
        LOG(module_log(), kInfo, "listening", {"listen", wanted.name});
      } else if (auto at = listeners_.find(wanted.name); at != listeners_.end()) {
        at->second->set_handler(handler(wanted.endpoint));
        now[wanted.name] = std::move(at->second);
        listeners_.erase(at);
      }
    }
    close_all();
    listeners_ = std::move(now);
    engine_.set_password_stores(std::move(stores));
  }

  void close_all() {
    for (auto& [name, listener] : listeners_) host_.listeners.remove(listener.get());
    listeners_.clear();
  }

  Host& host_;
  xmpp::Engine& engine_;
  std::map<std::string, std::unique_ptr<net::Listener>> listeners_;
};

Result<std::unique_ptr<Module>> start(Host& host) {
  xmpp::Engine* engine = host.services.find<xmpp::Engine>();
  if (!engine) return Error{ErrorCode::kNotFound, "xmpp_listener needs the module xmpp"};
  return std::unique_ptr<Module>(std::make_unique<ListenerModule>(host, *engine));
}

constexpr const char* kNeeds[] = {"xmpp"};

}  // namespace
}  // namespace impulse::xmpp_listener

IMPULSE_MODULE{
    .name = "xmpp_listener",
    .summary = "Endpoints for XMPP streams",
    .needs = impulse::xmpp_listener::kNeeds,
    .schema = &impulse::xmpp_listener::schema,
    .start = &impulse::xmpp_listener::start,
};
