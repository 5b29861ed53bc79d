// Unpredictable identifiers: stream ids, generated resources.
#pragma once

#include <string>

namespace impulse::xmpp {

/// 96 random bits as 16 characters that are safe everywhere in XML and in a JID. Any thread.
std::string random_id();

}  // namespace impulse::xmpp
