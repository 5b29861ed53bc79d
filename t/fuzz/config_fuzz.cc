// Fuzz target of the configuration language: parse, check, print, look up.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "host/base/text.h"
#include "host/config/core_schema.h"
#include "host/config/generation.h"
#include "host/config/parser.h"
#include "host/config/scope.h"

namespace {

using namespace impulse::config;

std::shared_ptr<const Schema> fuzz_schema() {
  auto schema = std::make_shared<Schema>();
  schema->add(core_schema());
  SchemaPart part;
  part.provider = "fuzz";
  part.stanzas = {{.type = "peer",
                   .parents = {"control_listener", "listen"},
                   .naming = Naming::kRequired,
                   .matching = Matching::kCidr,
                   .help = "Clients."},
                  {.type = "logger", .parents = {""}, .naming = Naming::kOptional, .help = "Log."}};
  schema->add(std::move(part));
  return schema;
}

/// An include would read this machine's files, which are not part of the input.
bool may_include(std::string_view text) {
  return impulse::text::lower(text).find("include") != std::string::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const Schema> schema = fuzz_schema();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (may_include(text)) return -1;

  Generation generation;
  Parsed parsed = parse_text(text, "fuzz.conf");
  generation.root = std::move(parsed.root);
  generation.schema = schema;
  for (const Problem& problem : schema->check(*generation.root)) (void)problem.line();

  // What is printed is read back without a mistake, and prints the same.
  const std::string printed = *show(generation, {});
  Parsed again = parse_text(printed, "printed.conf");
  if (!again.problems.empty()) std::abort();
  Generation copy;
  copy.root = std::move(again.root);
  if (*show(copy, {}) != printed) std::abort();

  (void)match_domain(*generation.root, "domain", text.substr(0, 100));
  for (const Node* listener : generation.root->all("control_listener")) {
    (void)listener_chain(*listener, listener->child("listen", "x"), "127.0.0.1");
  }
  (void)eval(generation, {"control_listener", "listen", "x", "peer", "127.0.0.1", "file_mode"});
  return 0;
}
