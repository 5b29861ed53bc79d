// Reading the host's own options.
#include "host/daemon/core_settings.h"

#include "host/config/scope.h"

namespace impulse::daemon {

CoreSettings read_core(const config::Node& root) {
  using config::resolve;
  CoreSettings core;
  core.global = resolve<config::GlobalOptions>(config::global_table(), {&root});
  if (const config::Node* security = root.child("security")) {
    core.security = resolve<config::SecurityOptions>(config::security_table(), {security});
  }
  for (const config::Node* loop : root.all("eventloop")) {
    core.loops += resolve<config::EventLoopOptions>(config::event_loop_table(), {loop}).concurrency;
  }
  for (const config::Node* pool : root.all("threadpool")) {
    const auto options = resolve<config::ThreadPoolOptions>(config::thread_pool_table(), {pool});
    if (options.concurrency > 0) core.pools.emplace_back(pool->name, options.concurrency);
  }
  for (const config::Node* source : root.all("datasource")) {
    core.datasources.push_back(
        {source->name,
         resolve<config::DatasourceOptions>(config::datasource_table(), {source}).uri});
  }
  for (const config::Node* listener : root.all("control_listener")) {
    for (const config::Node* listen : listener->all("listen")) {
      const auto options =
          resolve<config::ControlListenOptions>(config::control_listen_table(), {listen, listener});
      core.control.push_back({listen->name, options.file_mode.bits});
    }
  }
  return core;
}

std::string driver_module(const std::string& uri) { return "ds_" + uri.substr(0, uri.find(':')); }

}  // namespace impulse::daemon
