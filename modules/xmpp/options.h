// Options of the module xmpp and of domain stanzas.
#pragma once

#include <memory>
#include <string>

#include "host/base/result.h"
#include "host/config/generation.h"
#include "host/config/schema.h"
#include "modules/xmpp/stream_options.h"

namespace impulse::xmpp {

/// xmpp { }
struct XmppOptions {
  std::string datasource = "impulse";
};

/// domain "#xmpp#name" { }
struct DomainOptions {
  std::string xmpp_role;
  std::string xmpp_dialback_secret;
};

/// What the module adds to the language.
config::SchemaPart schema();
XmppOptions xmpp_options(const config::Generation& generation);

/// The domains that a generation serves and may reach. Errors name each stanza whose name is no
/// domain.
Result<std::shared_ptr<const Domains>> read_domains(
    std::shared_ptr<const config::Generation> generation);

}  // namespace impulse::xmpp
