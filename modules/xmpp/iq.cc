// The table of iq handlers.
#include "modules/xmpp/iq.h"

#include <vector>

namespace impulse::xmpp {

std::string IqTable::key(IqTarget target, std::string_view type, std::string_view ns,
                         std::string_view name) {
  std::string key;
  key.reserve(4 + type.size() + ns.size() + name.size());
  key += target == IqTarget::kAccount ? 'a' : 's';
  key.append(type).append(1, '\n').append(ns).append(1, '\n').append(name);
  return key;
}

Registration IqTable::add(IqTarget target, std::string_view type, std::string_view ns,
                          std::string_view name, HookHandler handler) {
  std::string where = key(target, type, ns, name);
  const std::uint64_t id = ++next_id_;
  handlers_[where].push_back({id, std::move(handler)});
  return Registration([this, id, where = std::move(where)] {
    auto at = handlers_.find(where);
    if (at == handlers_.end()) return;
    std::erase_if(at->second, [id](const Entry& e) { return e.id == id; });
    if (at->second.empty()) handlers_.erase(at);
  });
}

const HookHandler* IqTable::find(IqTarget target, std::string_view type, std::string_view ns,
                                 std::string_view name) const {
  auto at = handlers_.find(key(target, type, ns, name));
  return at == handlers_.end() ? nullptr : &at->second.back().handler;
}

const HookHandler* IqTable::find(IqTarget target, const Stanza& request) const {
  const Element* payload = request.payload();
  return payload ? find(target, request.type(), payload->ns(), payload->name()) : nullptr;
}

}  // namespace impulse::xmpp
