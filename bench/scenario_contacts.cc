// The load scenarios about contacts: presence to many of them, and a large roster.
#include <chrono>
#include <set>
#include <stdexcept>

#include "scenario.h"

namespace impulse::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kRosterGet =
    "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>";
constexpr int kProbes = 60;

std::string bare(std::string_view jid) { return std::string(jid.substr(0, jid.find('/'))); }

long count_items(std::string_view roster) {
  long items = 0;
  for (auto at = roster.find("<item"); at != roster.npos; at = roster.find("<item", at + 1)) {
    ++items;
  }
  return items;
}

/// One publisher and its contacts, each subscribed to the other through the protocol.
class Audience {
 public:
  Audience(Poller& poller, const Options& options) : poller_(poller), fleet_(poller, options) {
    fleet_.log_in(options.sessions + 1);
    publisher().set_stanza_handler([](Client& client, std::string_view stanza) {
      if (!is_element(stanza, "presence") || attribute(stanza, "type") != "subscribe") return;
      const auto contact = bare(attribute(stanza, "from"));
      client.send("<presence to='" + contact + "' type='subscribed'/>");
      client.send("<presence to='" + contact + "' type='subscribe'/>");
    });
    for (int i = 1; i < fleet_.size(); ++i) {
      fleet_[i].set_stanza_handler([this, i](Client& client, std::string_view stanza) {
        on_contact_stanza(i, client, stanza);
      });
    }
    fleet_.send_from_all(kRosterGet);
    fleet_.send_from_all("<presence/>");
    turn_for(poller_, 1);
    for (int i = 1; i < fleet_.size(); ++i) {
      fleet_[i].send("<presence to='" + bare(publisher().jid()) + "' type='subscribe'/>");
    }
    wait_until_subscribed();
  }

  void publish(std::string_view status) {
    publisher().send("<presence><status>" + std::string(status) + "</status></presence>");
  }

  void log_out() { fleet_.log_out(); }

  long delivered() const { return delivered_; }
  long contacts() const { return fleet_.size() - 1; }

 private:
  Client& publisher() { return fleet_[0]; }

  void on_contact_stanza(int index, Client& client, std::string_view stanza) {
    if (!is_element(stanza, "presence")) return;
    if (attribute(stanza, "type") == "subscribe") {
      client.send("<presence to='" + bare(publisher().jid()) + "' type='subscribed'/>");
      return;
    }
    const auto status = text_of(stanza, "status");
    if (status == "fan-out") ++delivered_;
    if (status == probe_) reached_.insert(index);
  }

  void wait_until_subscribed() {
    for (int i = 0; i < kProbes; ++i) {
      turn_for(poller_, 0.5);
      probe_ = "probe " + std::to_string(i);
      reached_.clear();
      publish(probe_);
      turn_for(poller_, 0.5);
      if (static_cast<long>(reached_.size()) == contacts()) return;
    }
    throw std::runtime_error("only " + std::to_string(reached_.size()) +
                             " contacts receive the presence");
  }

  Poller& poller_;
  Fleet fleet_;
  long delivered_ = 0;
  std::string probe_;
  std::set<int> reached_;
};

}  // namespace

void run_fanout(const Options& options) {
  Poller poller;
  Audience audience(poller, options);
  serve_rounds([&](double seconds) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    const long before = audience.delivered();
    long published = 0;
    const auto expected = [&] { return before + published * audience.contacts(); };
    while (Clock::now() < deadline) {
      while (expected() - audience.delivered() < options.in_flight * audience.contacts()) {
        audience.publish("fan-out");
        ++published;
      }
      poller.turn();
    }
    turn_until(
        poller, [&] { return audience.delivered() >= expected(); }, "the last presences");
    return Round{audience.delivered() - before, seconds};
  });
  audience.log_out();
}

void run_roster(const Options& options) {
  Poller poller;
  Fleet fleet(poller, options);
  fleet.log_in(1);
  auto& client = fleet[0];
  long unanswered = 0;
  long items = 0;
  client.set_stanza_handler([&](Client&, std::string_view stanza) {
    if (!is_element(stanza, "iq") || attribute(stanza, "type") == "set") return;
    if (attribute(stanza, "type") != "result") throw std::runtime_error(std::string(stanza));
    --unanswered;
    if (attribute(stanza, "id") == "roster") items = count_items(stanza);
  });
  // Returns when at most `may_wait` requests are unanswered.
  const auto request = [&](std::string_view iq, long may_wait = 0) {
    ++unanswered;
    client.send(iq);
    turn_until(
        poller, [&] { return unanswered <= may_wait; }, "the answer about the roster");
  };

  request(kRosterGet);
  for (long i = items; i < options.sessions; ++i) {
    const auto number = std::to_string(i);
    request("<iq type='set' id='add'><query xmlns='jabber:iq:roster'><item jid='contact" + number +
                "@" + options.target.domain + "' name='Contact " + number +
                "'><group>Friends</group></item></query></iq>",
            options.parallel);
  }
  serve_rounds([&](double seconds) {
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    long count = 0;
    while (Clock::now() < deadline) {
      request(kRosterGet);
      ++count;
      if (items != options.sessions) {
        throw std::runtime_error("the roster has " + std::to_string(items) + " items");
      }
    }
    return Round{count, seconds};
  });
  fleet.log_out();
}

}  // namespace impulse::bench
