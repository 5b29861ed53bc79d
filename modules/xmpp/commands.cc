// Console commands: who is connected, which hooks there are.
#include "modules/xmpp/commands.h"

#include <utility>

#include "host/control/command.h"
#include "host/host.h"

namespace impulse::xmpp {

std::string hooks_markdown() {
  std::string out =
      "| hook | arguments | when | answers | may wait |\n| --- | --- | --- | --- | --- |\n";
  for (const HookRow& row : hook_table()) {
    out.append("| `").append(row.name).append("` | ").append(row.arguments).append(" | ");
    out.append(row.when).append(" | ").append(row.done).append(" | ");
    out.append(row.may_wait ? "yes" : "no").append(" |\n");
  }
  return out;
}

Registrations add_commands(Engine& engine) {
  Registrations registrations;
  control::CommandTable& commands = engine.host().commands;
  registrations.push_back(commands.add(
      {.words = "xmpp sessions",
       .arguments = "",
       .help = "Lists the bound sessions: JID, address, security, mechanism, priority, loop.",
       .run = [&engine](control::Request, control::Reply reply) {
         engine.list_sessions([reply = std::move(reply)](std::vector<SessionSummary> rows) mutable {
           std::string out;
           for (const SessionSummary& row : rows) {
             out.append(row.jid).append(" ").append(row.peer);
             out.append(row.is_tls ? " tls " : " plain ").append(row.mechanism);
             out.append(row.is_available ? " available priority=" + std::to_string(row.priority)
                                         : " unavailable");
             out.append(" loop=").append(std::to_string(row.loop)).append("\n");
           }
           out.append(std::to_string(rows.size())).append(" sessions\n");
           reply(std::move(out));
         });
       }}));
  registrations.push_back(commands.add(
      {.words = "xmpp hooks",
       .arguments = "",
       .help = "Shows the hook points of the engine, as in docs/hooks.md.",
       .run = [](control::Request, control::Reply reply) { reply(hooks_markdown()); }}));
  return registrations;
}

}  // namespace impulse::xmpp
