// What happens to a stanza that has reached its account (RFC 6121 section 8.5).
#pragma once

#include "host/base/function.h"
#include "modules/xmpp/stanza.h"

namespace impulse::xmpp {

class Account;
class Session;

/// Delivers when that needs no waiting: to a resource that is there, without handlers to ask.
/// False = not done, the stanza is untouched. Home.
bool deliver_at_once(Account& account, Stanza& stanza);

/// Delivers inside the account's gate; Account::leave() is called when it is over.
void deliver(Account& account, Stanza stanza);

/// Answers an iq request to the account itself inside the gate; `session` is the sender's when it
/// is one of the account's own. Account::leave() is called when it is over, then `then`.
void answer_iq(Account& account, Session* session, Stanza stanza, UniqueFunction<void()> then);

}  // namespace impulse::xmpp
