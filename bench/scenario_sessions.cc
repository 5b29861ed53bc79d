// The load scenarios about sessions themselves: messages between them, idling, logging in.
#include <chrono>
#include <stdexcept>

#include "scenario.h"

namespace impulse::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kWarmUpSessions = 50;
constexpr int kLoginAccounts = 50;
constexpr int kLoginBatch = 320;  // at most 10 sessions of one account
constexpr double kSettleSeconds = 0.5;
constexpr std::size_t kBodyBytes = 100;

std::string make_message(const std::string& to) {
  return "<message to='" + to + "' type='chat' id='m1'><body>" + std::string(kBodyBytes, 'x') +
         "</body></message>";
}

}  // namespace

void run_message(const Options& options) {
  Poller poller;
  Fleet fleet(poller, options);
  const int sessions = options.sessions / 2 * 2;
  fleet.log_in(sessions);

  long delivered = 0;
  long outstanding = 0;
  bool is_running = false;
  const auto start_messages = [&](Client& from, const std::string& message, int count) {
    for (int i = 0; i < count; ++i) from.send(message);
    outstanding += count;
  };
  for (int i = 0; i < sessions; ++i) {
    fleet[i].set_stanza_handler(
        [&, answer = make_message(fleet[i ^ 1].jid())](Client& client, std::string_view stanza) {
          if (!is_element(stanza, "message")) return;
          if (attribute(stanza, "type") == "error") throw std::runtime_error(std::string(stanza));
          ++delivered;
          --outstanding;
          if (is_running) start_messages(client, answer, 1);
        });
  }
  if (!options.target.is_relay) fleet.send_from_all("<presence/>");
  turn_for(poller, kSettleSeconds);

  serve_rounds([&](double seconds) {
    delivered = 0;
    is_running = true;
    for (int i = 0; i < sessions; ++i) {
      start_messages(fleet[i], make_message(fleet[i ^ 1].jid()), options.in_flight);
    }
    turn_for(poller, seconds);
    is_running = false;
    turn_until(
        poller, [&] { return outstanding == 0; }, "the last messages");
    return Round{delivered, seconds};
  });
  fleet.log_out();
}

void run_idle(const Options& options) {
  Poller poller;
  Fleet fleet(poller, options);
  fleet.log_in(kWarmUpSessions);
  fleet.send_from_all("<presence/>");
  turn_for(poller, kSettleSeconds);
  fleet.log_out();

  serve_rounds([&](double) {
    fleet.log_in(options.sessions);
    fleet.send_from_all("<presence/>");
    turn_for(poller, 4 * kSettleSeconds);
    return Round{fleet.size(), 0};
  });
}

void run_login(const Options& options) {
  Poller poller;
  serve_rounds([&](double seconds) {
    Round round;
    while (round.seconds < seconds) {
      // COMPAT(jabberd2): it confuses an ending session with a new one on the same descriptor, so
      // sessions end in batches, outside the time that counts.
      Fleet fleet(poller, options);
      const auto start = Clock::now();
      fleet.log_in(kLoginBatch, kLoginAccounts);
      round.count += fleet.size();
      round.seconds += std::chrono::duration<double>(Clock::now() - start).count();
      fleet.log_out();
    }
    return round;
  });
}

}  // namespace impulse::bench
