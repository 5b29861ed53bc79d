// bench/load: the load generator's command line.
#include <getopt.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>

#include "scenario.h"

namespace {

constexpr const char* kUsage =
    "usage: load [options] message|idle|login|fanout|roster\n"
    "  --port N        where the server listens on 127.0.0.1\n"
    "  --domain NAME   the server's domain (localhost)\n"
    "  --password P    the password of all accounts, which are user0, user1 ... (secret)\n"
    "  --first N       number of the first account (0)\n"
    "  --sessions N    sessions; contacts for fanout; items for roster (100)\n"
    "  --in-flight N   messages in flight per session; presences for fanout (1)\n"
    "  --parallel N    logins under way at once (32)\n"
    "  --starttls      negotiate TLS by STARTTLS\n"
    "  --direct-tls    TLS from the first byte\n"
    "  --relay         talk to bench/relay: no login, messages go to the connection's partner\n"
    "It prints \"ready\"; each line \"go SECONDS\" on its input starts a round, which ends with\n"
    "\"done COUNT ELAPSED\".\n";

void allow_many_sockets() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

impulse::bench::Options parse(int argc, char** argv) {
  enum {
    kPort,
    kDomain,
    kPassword,
    kFirst,
    kSessions,
    kInFlight,
    kParallel,
    kStartTls,
    kDirectTls,
    kRelay
  };
  static const option known[] = {
      {"port", required_argument, nullptr, kPort},
      {"domain", required_argument, nullptr, kDomain},
      {"password", required_argument, nullptr, kPassword},
      {"first", required_argument, nullptr, kFirst},
      {"sessions", required_argument, nullptr, kSessions},
      {"in-flight", required_argument, nullptr, kInFlight},
      {"parallel", required_argument, nullptr, kParallel},
      {"starttls", no_argument, nullptr, kStartTls},
      {"direct-tls", no_argument, nullptr, kDirectTls},
      {"relay", no_argument, nullptr, kRelay},
      {nullptr, 0, nullptr, 0},
  };
  impulse::bench::Options options;
  for (int found = 0; (found = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (found) {
      case kPort:
        options.target.port = std::atoi(optarg);
        break;
      case kDomain:
        options.target.domain = optarg;
        break;
      case kPassword:
        options.target.password = optarg;
        break;
      case kFirst:
        options.first = std::atoi(optarg);
        break;
      case kSessions:
        options.sessions = std::atoi(optarg);
        break;
      case kInFlight:
        options.in_flight = std::atoi(optarg);
        break;
      case kParallel:
        options.parallel = std::atoi(optarg);
        break;
      case kStartTls:
        options.target.use_starttls = true;
        break;
      case kDirectTls:
        options.target.use_direct_tls = true;
        break;
      case kRelay:
        options.target.is_relay = true;
        break;
      default:
        std::cerr << kUsage;
        std::exit(2);
    }
  }
  if (optind + 1 == argc) options.scenario = argv[optind];
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace impulse::bench;
  static const std::map<std::string, void (*)(const Options&)> scenarios = {
      {"message", run_message}, {"idle", run_idle},     {"login", run_login},
      {"fanout", run_fanout},   {"roster", run_roster},
  };
  const auto options = parse(argc, argv);
  const auto scenario = scenarios.find(options.scenario);
  if (scenario == scenarios.end()) {
    std::cerr << kUsage;
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  allow_many_sockets();
  try {
    scenario->second(options);
  } catch (const std::exception& error) {
    std::cerr << "load: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
