// What observers of traffic are told: each stanza received from or delivered to a client.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "host/module/descriptor.h"
#include "modules/xmpp/element.h"

namespace impulse::xmpp {

/// One record. Views end with the call.
struct Traffic {
  enum class Direction { kReceived, kDelivered };
  Direction direction = Direction::kReceived;
  std::string_view kind;  ///< "message", "presence", "iq", "stream" or "error"
  std::string_view to, from, id, type;
  std::string_view remote;           ///< "192.0.2.7:50123"
  const Element* element = nullptr;  ///< nullptr for stream openings and stream errors
};

/// Sees all traffic. Called on the loop of the stream concerned: several at once, so any thread;
/// it must not block.
class IMPULSE_EXPORT TrafficObserver {
 public:
  virtual ~TrafficObserver() = default;
  virtual void on_traffic(const Traffic& traffic) = 0;
};
using Observers = std::vector<std::shared_ptr<TrafficObserver>>;

}  // namespace impulse::xmpp
