// Everything other modules may know of XMPP; includes no expat, Lua or OpenSSL.
#pragma once

#include "modules/xmpp/account.h"
#include "modules/xmpp/element.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/error.h"
#include "modules/xmpp/hooks.h"
#include "modules/xmpp/iq.h"
#include "modules/xmpp/jid.h"
#include "modules/xmpp/jid_set.h"
#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/session.h"
#include "modules/xmpp/stanza.h"
#include "modules/xmpp/stream_options.h"
#include "modules/xmpp/traffic.h"
#include "modules/xmpp/writer.h"
