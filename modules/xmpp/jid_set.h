// A set of bare JIDs grouped by home loop: recipients of a fan-out.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/module/descriptor.h"
#include "modules/xmpp/jid.h"

namespace impulse::xmpp {

/// Copy on write: a fan-out shares the groups with other loops by reference while the owner goes
/// on changing its own. Home; the groups handed out are immutable.
class IMPULSE_EXPORT JidSet {
 public:
  using Group = std::shared_ptr<const std::vector<Jid>>;  // owners: the set, fan-outs under way

  bool insert(const Jid& bare);
  bool erase(const Jid& bare);
  void clear();
  bool contains(const Jid& bare) const { return index_.contains(std::string(bare.text())); }
  std::size_t size() const { return index_.size(); }
  /// Members whose home is loop `loop` of `loops`; empty groups are nullptr.
  Group group(unsigned loop, unsigned loops);

 private:
  void regroup(unsigned loops);
  std::unordered_map<std::string, Jid> index_;
  std::vector<Group> groups_;
  bool is_stale_ = true;
};

}  // namespace impulse::xmpp
