// A set of bare JIDs grouped by home loop: recipients of a fan-out.
#pragma once

#include <memory>
#include <string_view>
#include <unordered_set>
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
  bool erase(std::string_view bare);
  void clear();
  bool contains(std::string_view bare) const { return members_.find(bare) != members_.end(); }
  std::size_t size() const { return members_.size(); }
  /// Members whose home is loop `loop` of `loops`; empty groups are nullptr.
  Group group(unsigned loop, unsigned loops);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return Jid::hash_bare(text); }
    std::size_t operator()(const Jid& jid) const { return Jid::hash_bare(jid.text()); }
  };
  struct Equal {
    using is_transparent = void;
    static std::string_view text(std::string_view t) { return t; }
    static std::string_view text(const Jid& jid) { return jid.text(); }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const {
      return text(a) == text(b);
    }
  };
  void regroup(unsigned loops);
  std::unordered_set<Jid, Hash, Equal> members_;
  std::vector<Group> groups_;
  bool is_stale_ = true;
};

}  // namespace impulse::xmpp
