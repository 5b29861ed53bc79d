// xmpp: the descriptor, and what the engine takes from each generation.
#include <memory>
#include <utility>

#include "host/aaa/account_names.h"
#include "host/host.h"
#include "host/module/descriptor.h"
#include "host/module/services.h"
#include "modules/xmpp/commands.h"
#include "modules/xmpp/core_iqs.h"
#include "modules/xmpp/engine.h"
#include "modules/xmpp/options.h"

namespace impulse::xmpp {

namespace {

/// Accounts are bare JIDs: `impulsectl user add` prepares them as a login would.
class JidNames final : public aaa::AccountNames {
 public:
  Result<aaa::AccountName> prepare(std::string_view text) override {
    Result<Jid> jid = Jid::parse(text);
    if (!jid) return std::move(jid).error();
    if (!jid->has_local() || jid->is_full()) {
      return Error{ErrorCode::kInvalid, "an account is written user@domain"};
    }
    return aaa::AccountName(jid->local(), jid->domain());
  }
};

class XmppModule final : public Module {
 public:
  explicit XmppModule(Host& host) : engine_(host) {
    host.services.publish(engine_);
    host.services.publish<aaa::AccountNames>(names_);
    registrations_ = add_commands(engine_);
    add_core_iqs(engine_);
  }

  Result<std::unique_ptr<Prepared>> prepare(
      std::shared_ptr<const config::Generation> next) override {
    Result<std::shared_ptr<const Domains>> domains = read_domains(next);
    if (!domains) return std::move(domains).error();
    return std::unique_ptr<Prepared>(
        std::make_unique<NextGeneration>(engine_, std::move(*domains), xmpp_options(*next)));
  }

  void stop(std::function<void()> done) override { engine_.stop(std::move(done)); }

 private:
  struct NextGeneration final : Prepared {
    NextGeneration(Engine& e, std::shared_ptr<const Domains> d, XmppOptions o)
        : engine(e), domains(std::move(d)), options(std::move(o)) {}
    void commit() noexcept override {
      engine.set_datasource_name(options.datasource);
      engine.set_domains(std::move(domains));
    }
    Engine& engine;
    std::shared_ptr<const Domains> domains;
    XmppOptions options;
  };

  Engine engine_;
  JidNames names_;
  Registrations registrations_;
};

Result<std::unique_ptr<Module>> start(Host& host) {
  return std::unique_ptr<Module>(std::make_unique<XmppModule>(host));
}

constexpr const char* kCompanions[] = {"xmpp_lua"};

}  // namespace
}  // namespace impulse::xmpp

IMPULSE_MODULE{
    .name = "xmpp",
    .summary = "The XMPP engine: streams, sessions, routing, hooks",
    .companions = impulse::xmpp::kCompanions,
    .schema = &impulse::xmpp::schema,
    .start = &impulse::xmpp::start,
};
