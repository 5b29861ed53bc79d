// A small language for tests of the configuration: stanzas of each kind, options of some types.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "host/config/core_schema.h"
#include "host/config/generation.h"
#include "host/config/option_table.h"
#include "host/config/parser.h"

namespace impulse::config {

struct SocketOpts {
  Seconds idle_time{300};
  std::uint32_t backlog = 500;
  bool nagle = false;
  Mode file_mode{0600};
};
struct RoleOpts {
  std::string role;
  std::string secret;
};

inline constexpr std::string_view kEverywhere[] = {"", "im_listener", "listen", "peer"};
inline constexpr std::string_view kPeer[] = {"im_listener", "listen", "peer"};
inline constexpr std::string_view kListen[] = {"im_listener", "listen"};
inline constexpr std::string_view kDomain[] = {"domain"};
inline constexpr std::string_view kLog[] = {"im_logger"};
inline constexpr std::string_view kRoles[] = {"server", "client"};

inline constexpr Option<SocketOpts> kSocketRows[] = {
    {"idle_time", &SocketOpts::idle_time, kPeer, "Seconds of silence; 0 = forever.", {0, 86'400}},
    {"backlog", &SocketOpts::backlog, kListen, "Waiting.", {1, 65'535}, Apply::kRestart},
    {"nagle", &SocketOpts::nagle, kEverywhere, "Whether to wait."},
    {"file_mode", &SocketOpts::file_mode, kListen, "Mode."},
};
inline constexpr Option<RoleOpts> kRoleRows[] = {
    {"role", &RoleOpts::role, kDomain, "What we do.", {}, Apply::kLive, kRoles},
    {"secret", &RoleOpts::secret, kDomain, "A secret | with a bar."},
};
struct LogOpts {
  std::string logfile = "im.log";
  std::string level = "ERROR";
};
inline constexpr Option<LogOpts> kLogRows[] = {
    {"logfile", &LogOpts::logfile, kLog, "File."},
    {"debug_level", &LogOpts::level, kLog, "Level of the module."},
};

inline const OptionTable& socket_table() {
  static const OptionTable table = make_table("im_listener", kSocketRows);
  return table;
}
inline const OptionTable& role_table() {
  static const OptionTable table = make_table("domain", kRoleRows);
  return table;
}

inline SchemaPart im_schema() {
  SchemaPart part;
  part.provider = "im";
  part.stanzas = {
      {.type = "im", .parents = {""}, .help = "The protocol."},
      {.type = "im_listener", .parents = {""}, .help = "Sockets.", .after = "im"},
      {.type = "listen",
       .parents = {"im_listener"},
       .naming = Naming::kRequired,
       .help = "An address."},
      {.type = "peer",
       .parents = {"im_listener", "listen"},
       .naming = Naming::kRequired,
       .matching = Matching::kCidr,
       .help = "Clients."},
      {.type = "im_logger", .parents = {""}, .naming = Naming::kOptional, .help = "A log."},
      {.type = "script",
       .parents = {"im_logger"},
       .naming = Naming::kRequired,
       .help = "A script."},
  };
  part.tables = {socket_table(), role_table(), make_table("im_logger", kLogRows)};
  return part;
}

inline std::shared_ptr<const Schema> test_schema() {
  auto schema = std::make_shared<Schema>();
  schema->add(core_schema());
  schema->add(im_schema());
  return schema;
}

/// A generation of this text, which must parse.
inline Generation generation_of(std::string_view text) {
  Parsed parsed = parse_text(text, "t.conf");
  for (const Problem& problem : parsed.problems) ADD_FAILURE() << problem.line();
  Generation generation;
  generation.root = std::move(parsed.root);
  generation.schema = test_schema();
  return generation;
}

}  // namespace impulse::config
