// Iq dispatch: who answers a request, by target, type, namespace and name.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/module/descriptor.h"
#include "modules/xmpp/hooks.h"

namespace impulse::xmpp {

/// Whom a request addresses: an account (its bare JID, or no `to`) or the server (a domain).
enum class IqTarget { kAccount, kServer };

/// Handlers of requests, one per (target, type, namespace, name). The handler finds the request in
/// Passage::stanza, answers by EngineLoop::route(stanza.result()) or refuse(), and returns kDone;
/// kCont means "not mine" (service-unavailable). passage.session is the sender's session when the
/// sender is the account's own client. Home.
class IMPULSE_EXPORT IqTable {
 public:
  /// `type` is "get" or "set". One handler each; a second one replaces it until it is undone.
  [[nodiscard]] Registration add(IqTarget target, std::string_view type, std::string_view ns,
                                 std::string_view name, HookHandler handler);
  const HookHandler* find(IqTarget target, std::string_view type, std::string_view ns,
                          std::string_view name) const;
  /// The handler of this request, or nullptr.
  const HookHandler* find(IqTarget target, const Stanza& request) const;

 private:
  static std::string key(IqTarget target, std::string_view type, std::string_view ns,
                         std::string_view name);
  struct Entry {
    std::uint64_t id;
    HookHandler handler;
  };
  std::unordered_map<std::string, std::vector<Entry>> handlers_;
  std::uint64_t next_id_ = 0;
};

}  // namespace impulse::xmpp
