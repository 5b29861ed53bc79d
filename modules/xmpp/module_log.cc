// The log source of the module xmpp.
#include "modules/xmpp/module_log.h"

namespace impulse::xmpp {

log::Source& module_log() {
  static log::Source source("xmpp", log::Level::kError);
  return source;
}

}  // namespace impulse::xmpp
