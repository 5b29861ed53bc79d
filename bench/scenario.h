// The load scenarios: what the sessions of one run do, in rounds that the runner starts.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "client.h"
#include "poller.h"

namespace impulse::bench {

/// What the command line asks for; bench/load --help tells the meaning.
struct Options {
  Target target;
  std::string scenario;
  int first = 0;
  int sessions = 100;
  int in_flight = 1;
  int parallel = 32;
};

/// Sessions of the accounts "user<first>" and following.
class Fleet {
 public:
  Fleet(Poller& poller, const Options& options) : poller_(poller), options_(options) {}

  /// Logs in sessions until there are `count`, `Options::parallel` at a time; one at a time behind
  /// a relay, which pairs connections as they come. With more sessions than `accounts`, some
  /// accounts have several.
  void log_in(int count, int accounts = std::numeric_limits<int>::max());

  /// Ends all sessions, and gives the server a moment to forget them.
  void log_out();

  /// Sends `stanza` from every session.
  void send_from_all(std::string_view stanza);

  Client& operator[](int index) { return *clients_[static_cast<std::size_t>(index)]; }
  int size() const { return static_cast<int>(clients_.size()); }

 private:
  Poller& poller_;
  const Options& options_;
  std::vector<std::unique_ptr<Client>> clients_;
};

/// Turns `poller` until `is_done`; throws std::runtime_error naming `what` after 60 seconds.
void turn_until(Poller& poller, const std::function<bool()>& is_done, const std::string& what);

/// Turns `poller` for `seconds`, whatever happens.
void turn_for(Poller& poller, double seconds);

/// What a round counted, and in how much time.
struct Round {
  long count = 0;
  double seconds = 0;
};

/// Says "ready" to the runner, and for each line "go SECONDS" runs a round of that length and
/// answers "done COUNT ELAPSED"; returns at the end of input.
void serve_rounds(const std::function<Round(double seconds)>& run_round);

/// Pairs of sessions that answer each message with one; counts messages delivered.
void run_message(const Options& options);

/// Logs in all sessions and leaves them; counts sessions. The round ends with the process.
void run_idle(const Options& options);

/// Logs in and out again; counts logins and the time they took.
void run_login(const Options& options);

/// One session's presence to all others, its contacts; counts presences delivered to contacts.
void run_fanout(const Options& options);

/// Asks for a roster of `Options::sessions` items; counts answers.
void run_roster(const Options& options);

}  // namespace impulse::bench
