// The option tables of the module xmpp, and domains read from a generation.
#include "modules/xmpp/options.h"

#include <string_view>
#include <utility>

#include "host/base/text.h"
#include "host/config/option_table.h"
#include "host/config/scope.h"
#include "modules/xmpp/jid.h"

namespace impulse::xmpp {

namespace {

constexpr std::string_view kXmpp[] = {"xmpp"};
constexpr std::string_view kDomain[] = {"domain"};
constexpr std::string_view kRoles[] = {"server", "client"};
constexpr std::string_view kPrefix = "#xmpp#";

constexpr config::Option<XmppOptions> kXmppOptions[] = {
    {.name = "datasource",
     .member = &XmppOptions::datasource,
     .scopes = kXmpp,
     .help = "Name of the Datasource that keeps rosters, offline messages and the like.",
     .apply = config::Apply::kRestart},
};

constexpr config::Option<DomainOptions> kDomainOptions[] = {
    {.name = "xmpp_role",
     .member = &DomainOptions::xmpp_role,
     .scopes = kDomain,
     .help = "server: streams addressed to this domain are accepted; client: stanzas may go out to "
             "it; unset: neither.",
     .words = kRoles},
    {.name = "xmpp_dialback_secret",
     .member = &DomainOptions::xmpp_dialback_secret,
     .scopes = kDomain,
     .help = "Secret that goes into the keys of server dialback (XEP-0220, XEP-0185)."},
};

const config::OptionTable& domain_table() {
  static const config::OptionTable kTable = config::make_table("domain", kDomainOptions);
  return kTable;
}

const config::OptionTable& xmpp_table() {
  static const config::OptionTable kTable = config::make_table("xmpp", kXmppOptions);
  return kTable;
}

bool has_prefix(std::string_view name) {
  return text::equal_any_case(name.substr(0, kPrefix.size()), kPrefix);
}

/// The domain a stanza is about: "#xmpp#name", "#xmpp#name#extra" or the bare name; empty for
/// other protocols and for regular expressions.
std::string_view domain_of(std::string_view stanza_name) {
  if (stanza_name.starts_with('/')) return {};
  if (has_prefix(stanza_name)) {
    stanza_name.remove_prefix(kPrefix.size());
    return stanza_name.substr(0, stanza_name.find('#'));
  }
  return stanza_name.starts_with('#') ? std::string_view() : stanza_name;
}

/// Stanzas for a domain: those of its raw name first, then those of its bare name.
config::ScopeChain chain_for(const config::Node& root, std::string_view domain) {
  config::ScopeChain chain =
      config::match_domain(root, "domain", std::string(kPrefix).append(domain));
  for (const config::Node* node : root.all("domain")) {
    const bool has_extra =
        has_prefix(node->name) && node->name.find('#', kPrefix.size()) != std::string::npos;
    if (has_extra && text::equal_any_case(domain_of(node->name), domain)) {
      chain.push_back(node);
    }
  }
  for (const config::Node* node : config::match_domain(root, "domain", domain)) {
    chain.push_back(node);
  }
  return chain;
}

DomainOptions options_for(const config::Node& root, std::string_view domain) {
  return config::resolve<DomainOptions>(domain_table(), chain_for(root, domain));
}

}  // namespace

config::SchemaPart schema() {
  return {.provider = "xmpp",
          .stanzas = {{.type = "xmpp",
                       .parents = {""},
                       .naming = config::Naming::kNone,
                       .help = "The XMPP engine; must stand before xmpp_listener."}},
          .tables = {xmpp_table(), domain_table()}};
}

XmppOptions xmpp_options(const config::Generation& generation) {
  config::ScopeChain chain;
  if (const config::Node* node = generation.root->child("xmpp")) chain.push_back(node);
  return config::resolve<XmppOptions>(xmpp_table(), chain);
}

Result<std::shared_ptr<const Domains>> read_domains(
    std::shared_ptr<const config::Generation> generation) {
  auto domains = std::make_shared<Domains>();
  std::string problems;
  for (const config::Node* node : generation->root->all("domain")) {
    const std::string_view written = domain_of(node->name);
    if (written.empty()) continue;
    const DomainOptions options = options_for(*generation->root, written);
    if (options.xmpp_role.empty()) continue;
    Result<std::string> name = Jid::prepare_domain(written);
    if (!name) {
      if (!problems.empty()) problems += '\n';
      problems += node->place.text() + ": " + node->title() + ": " + name.error().what;
    } else if (text::equal_any_case(options.xmpp_role, "server")) {
      domains->served.insert(std::move(*name));
    }
  }
  if (!problems.empty()) return Error{ErrorCode::kInvalid, std::move(problems)};
  domains->may_reach = [generation = std::move(generation)](std::string_view domain) {
    return text::equal_any_case(options_for(*generation->root, domain).xmpp_role, "client");
  };
  return std::shared_ptr<const Domains>(std::move(domains));
}

}  // namespace impulse::xmpp
