// An engine on two running loops, with clients on socket pairs that log in by PLAIN.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "host/daemon/rooms.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/parser.h"

namespace impulse::xmpp::test {

inline Jid jid(std::string_view text) { return Jid::parse(text).value(); }
inline Stanza stanza(std::string_view text) {
  return std::get<Stanza>(Stanza::from(*parse_element(text)));
}

/// Knows every user of example.com but "nobody"; the password is "secret".
class OpenStore final : public aaa::PasswordStore {
 public:
  const std::string& uri() const override { return uri_; }
  void find(event::Loop&, std::string user, std::string, aaa::Found found) override {
    if (user == "nobody") return found(std::optional<aaa::Credentials>());
    aaa::Credentials credentials;
    credentials.password.emplace("secret");
    found(std::optional<aaa::Credentials>(std::move(credentials)));
  }

 private:
  std::string uri_ = "test://";
};

/// Serves example.com until it is destroyed.
class RunningEngine {
 public:
  RunningEngine() : rooms_(2), engine_(std::make_unique<Engine>(rooms_.host)) {
    auto domains = std::make_shared<Domains>();
    domains->served = {"example.com"};
    engine_->set_domains(domains);
    engine_->set_password_stores({store_});
    rooms_.loops.start();
  }
  ~RunningEngine() {
    rooms_.loops.stop();
    for (unsigned i = 0; i < rooms_.loops.size(); ++i) rooms_.loops.at(i).discard_posted();
    engine_.reset();
  }

  Engine& operator*() { return *engine_; }
  Engine* operator->() { return engine_.get(); }
  std::shared_ptr<aaa::PasswordStore> store() { return store_; }

  /// Runs `fn` on a loop of the engine and waits for its answer.
  template <class F>
  auto at(unsigned loop, F fn) {
    std::promise<std::invoke_result_t<F&>> promise;
    auto answer = promise.get_future();
    rooms_.loops.at(loop).post([&] {
      if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
        fn();
        promise.set_value();
      } else {
        promise.set_value(fn());
      }
    });
    return answer.get();
  }
  unsigned home_of(std::string_view bare) {
    return static_cast<unsigned>(jid(bare).home_hash() % engine_->loops());
  }
  /// Two users whose homes are different loops.
  std::pair<std::string, std::string> strangers() {
    std::string other = "romeo";
    while (home_of(other + "@example.com") == home_of("juliet@example.com")) other += "o";
    return {"juliet", other};
  }

 private:
  std::shared_ptr<OpenStore> store_ = std::make_shared<OpenStore>();  // owners: this, the engine
  daemon::Rooms rooms_;
  std::unique_ptr<Engine> engine_;
};

/// What a client sees, as text. Waits at most some seconds for anything.
class Client {
 public:
  Client(RunningEngine& engine, unsigned loop) {
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    socket_.reset(pair[0]);
    StreamOptions options;
    options.passwords = engine.store();
    options.allow_plain_without_tls = true;
    engine.at(loop, [&] {
      engine->accept(engine->at(loop).loop(), UniqueFd(pair[1]), net::Address(),
                     std::make_shared<const StreamOptions>(options));
    });
  }

  void send(std::string_view text) {
    ASSERT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// All up to and with the first `end`.
  std::string receive_until(std::string_view end) {
    std::size_t at;
    while ((at = received_.find(end)) == std::string::npos) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      char bytes[4096];
      const ssize_t count =
          ::poll(&waiting, 1, 20'000) == 1 ? ::recv(socket_.get(), bytes, sizeof bytes, 0) : -1;
      if (count <= 0) {
        ADD_FAILURE() << "waited for " << end << ", got " << received_;
        return {};
      }
      received_.append(bytes, static_cast<std::size_t>(count));
    }
    std::string part = received_.substr(0, at + end.size());
    received_.erase(0, at + end.size());
    return part;
  }
  /// Logs in and binds; `presence` follows, and is over when this returns.
  void log_in(std::string_view user, std::string_view resource, std::string_view presence) {
    static constexpr std::string_view kHeader =
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "to='example.com' version='1.0'>";
    const std::string plain = std::string(1, '\0').append(user).append(1, '\0').append("secret");
    send(kHeader);
    receive_until("</stream:features>");
    send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
         sasl::base64_encode(plain) + "</auth>");
    receive_until("<success");
    send(kHeader);
    receive_until("</stream:features>");
    send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>" +
         std::string(resource) + "</resource></bind></iq>");
    receive_until("</iq>");
    send(presence);
    settle();
  }
  /// Waits until all that this client sent has been handled at its home; what came meanwhile.
  std::string settle() {
    const std::string id = "settle-" + std::to_string(++settled_);
    send("<iq type='get' id='" + id + "'><nothing xmlns='none'/></iq>");
    std::string all = receive_until(id);
    receive_until("</iq>");
    return all.substr(0, all.rfind("<iq"));
  }

 private:
  UniqueFd socket_;
  std::string received_;
  int settled_ = 0;
};

}  // namespace impulse::xmpp::test
