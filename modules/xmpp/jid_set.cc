// Grouping of a set of addresses by home loop.
#include "modules/xmpp/jid_set.h"

namespace impulse::xmpp {

bool JidSet::insert(const Jid& bare) {
  const bool is_new = members_.insert(bare).second;
  is_stale_ |= is_new;
  return is_new;
}

bool JidSet::erase(std::string_view bare) {
  auto at = members_.find(bare);
  if (at == members_.end()) return false;
  is_stale_ = true;
  members_.erase(at);
  return true;
}

void JidSet::clear() {
  is_stale_ = true;
  members_.clear();
}

JidSet::Group JidSet::group(unsigned loop, unsigned loops) {
  if (is_stale_ || groups_.size() != loops) regroup(loops);
  return groups_[loop];
}

void JidSet::regroup(unsigned loops) {
  std::vector<std::vector<Jid>> groups(loops);
  for (const Jid& jid : members_) groups[jid.home_hash() % loops].push_back(jid);
  groups_.assign(loops, nullptr);
  for (unsigned i = 0; i < loops; ++i) {
    if (!groups[i].empty()) {
      groups_[i] = std::make_shared<const std::vector<Jid>>(std::move(groups[i]));
    }
  }
  is_stale_ = false;
}

}  // namespace impulse::xmpp
