// What all load scenarios share: logging in many sessions and talking to the runner.
#include "scenario.h"

#include <chrono>
#include <iostream>
#include <sstream>
#include <stdexcept>

namespace impulse::bench {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr double kForgetSeconds = 0.2;
constexpr int kConnectsPerTurn = 1;  // some servers listen with a backlog of five

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

void turn_until(Poller& poller, const std::function<bool()>& is_done, const std::string& what) {
  const auto deadline = Clock::now() + kPatience;
  while (!is_done()) {
    if (Clock::now() > deadline) throw std::runtime_error("waited in vain for " + what);
    poller.turn();
  }
}

void turn_for(Poller& poller, double seconds) {
  const auto start = Clock::now();
  while (seconds_since(start) < seconds) poller.turn(std::chrono::milliseconds(10));
}

void serve_rounds(const std::function<Round(double seconds)>& run_round) {
  std::cout << "ready" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string go;
    double seconds = 1;
    words >> go >> seconds;
    const auto round = run_round(seconds);
    std::cout << "done " << round.count << ' ' << round.seconds << std::endl;
  }
}

void Fleet::log_in(int count, int accounts) {
  const auto parallel = static_cast<std::size_t>(options_.target.is_relay ? 1 : options_.parallel);
  std::vector<Client*> pending;
  auto deadline = Clock::now() + kPatience;
  while (size() < count || !pending.empty()) {
    for (int i = 0; i < kConnectsPerTurn && size() < count && pending.size() < parallel; ++i) {
      const auto user = "user" + std::to_string(options_.first + size() % accounts);
      const auto resource = "bench" + std::to_string(size() / accounts);
      clients_.push_back(std::make_unique<Client>(poller_, options_.target, user, resource));
      pending.push_back(clients_.back().get());
    }
    poller_.turn(std::chrono::milliseconds(10));
    if (std::erase_if(pending, [](Client* client) { return client->is_ready(); }) > 0) {
      deadline = Clock::now() + kPatience;
    } else if (Clock::now() > deadline) {
      throw std::runtime_error(pending.front()->jid() + ": waited in vain for the login");
    }
  }
}

void Fleet::log_out() {
  for (auto& client : clients_) client->end_stream();
  const auto are_closed = [this] {
    for (const auto& client : clients_) {
      if (!client->is_closed()) return false;
    }
    return true;
  };
  turn_until(poller_, are_closed, "the sessions to end");
  clients_.clear();
  turn_for(poller_, kForgetSeconds);
}

void Fleet::send_from_all(std::string_view stanza) {
  for (auto& client : clients_) client->send(stanza);
}

}  // namespace impulse::bench
