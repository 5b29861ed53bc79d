// xmpp_logger: the loggers of each generation, and reopening of their files.
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/config/scope.h"
#include "host/event/pool.h"
#include "host/host.h"
#include "host/module/descriptor.h"
#include "host/module/module_options.h"
#include "host/module/services.h"
#include "modules/xmpp/api.h"
#include "modules/xmpp_logger/logger.h"
#include "modules/xmpp_logger/module_log.h"
#include "modules/xmpp_logger/options.h"

namespace impulse::xmpp_logger {

namespace {

class LoggerModule final : public Module {
 public:
  LoggerModule(Host& host, xmpp::Engine& engine) : host_(host), engine_(engine) {
    reopen_ = host.reopen_logs.add([this] {
      reopen();
      return HookAnswer::kCont;
    });
  }

  Result<std::unique_ptr<Prepared>> prepare(
      std::shared_ptr<const config::Generation> next) override {
    auto prepared = std::make_unique<NextGeneration>(*this);
    std::string problems;
    for (const config::Node* node : next->root->all("xmpp_logger")) {
      if (!is_enabled(*node)) continue;
      const auto options = config::resolve<LoggerOptions>(logger_table(), {node});
      auto logger = Logger::make(host_.pools.get("IO"), options, file_for(options));
      if (logger) {
        // Made with all privileges; the user that the server becomes must be able to reopen it.
        host_.created_files.push_back((*logger)->options().logfile);
        prepared->loggers.push_back(std::move(*logger));
      } else {
        if (!problems.empty()) problems += '\n';
        problems += node->place.text() + ": " + node->title() + ": " + logger.error().what;
      }
    }
    if (!problems.empty()) return Error{ErrorCode::kInvalid, std::move(problems)};
    return std::unique_ptr<Prepared>(std::move(prepared));
  }

  void stop(std::function<void()> done) override {
    observed_.clear();
    for (auto& logger : loggers_) {
      logger->stop();
      logger->file()->flush();
    }
    done();
  }

 private:
  struct NextGeneration final : Prepared {
    explicit NextGeneration(LoggerModule& m) : module(m) {}
    void commit() noexcept override { module.use(std::move(loggers)); }
    LoggerModule& module;
    std::vector<std::shared_ptr<Logger>> loggers;
  };

  std::shared_ptr<RecordFile> file_for(const LoggerOptions& options) const {
    for (const auto& logger : loggers_) {
      if (logger->options().logfile == options.logfile &&
          logger->options().logmode == options.logmode) {
        return logger->file();
      }
    }
    return nullptr;
  }

  void use(std::vector<std::shared_ptr<Logger>> loggers) {
    Registrations observed;
    for (auto& logger : loggers) {
      observed.push_back(engine_.observe(logger));
      logger->start(host_.loops.main());
    }
    for (auto& logger : loggers_) logger->stop();
    loggers_ = std::move(loggers);
    observed_ = std::move(observed);
  }

  void reopen() {
    for (auto& logger : loggers_) {
      if (auto done = logger->file()->reopen(); !done) {
        LOG(module_log(), kError, "reopen_failed", {"error", done.error().what});
      }
    }
  }

  Host& host_;
  xmpp::Engine& engine_;
  std::vector<std::shared_ptr<Logger>> loggers_;  // owners: this, and the engine's observers
  Registrations observed_;
  Registration reopen_;
};

Result<std::unique_ptr<Module>> start(Host& host) {
  xmpp::Engine* engine = host.services.find<xmpp::Engine>();
  if (!engine) return Error{ErrorCode::kNotFound, "xmpp_logger needs the module xmpp"};
  return std::unique_ptr<Module>(std::make_unique<LoggerModule>(host, *engine));
}

constexpr const char* kNeeds[] = {"xmpp"};

}  // namespace
}  // namespace impulse::xmpp_logger

IMPULSE_MODULE{
    .name = "xmpp_logger",
    .summary = "A log of each stanza received and delivered",
    .singleton = false,
    .needs = impulse::xmpp_logger::kNeeds,
    .schema = &impulse::xmpp_logger::schema,
    .start = &impulse::xmpp_logger::start,
};
