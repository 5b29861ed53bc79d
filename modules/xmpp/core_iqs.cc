// The legacy session request: a no-op that old clients wait for.
#include "modules/xmpp/core_iqs.h"

#include "modules/xmpp/namespaces.h"

namespace impulse::xmpp {

namespace {

Verdict answer_session(EngineLoop& home, Passage& passage) {
  home.route(passage.stanza->result());
  return Verdict::kDone;
}

}  // namespace

void add_core_iqs(Engine& engine) {
  for (unsigned i = 0; i < engine.loops(); ++i) {
    EngineLoop& home = engine.at(i);
    for (IqTarget target : {IqTarget::kAccount, IqTarget::kServer}) {
      home.keep(home.iqs().add(target, "set", ns::kSession, "session",
                               [&home](Passage& p) { return answer_session(home, p); }));
    }
  }
}

}  // namespace impulse::xmpp
