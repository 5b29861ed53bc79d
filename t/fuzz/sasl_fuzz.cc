// Fuzzes SASL: no message of a client succeeds without the password, whatever its form.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "modules/xmpp/sasl/mechanism.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace impulse::xmpp::sasl;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  static ScramKeyCache cache("secret");
  const auto names = mechanisms({.plain = true, .channel_binding = true});
  Context context;
  context.domain = "example.com";
  context.channel_binding = [](std::string_view) { return std::string("binding"); };
  context.keys = &cache;
  auto mechanism = make_mechanism(names[data[0] % names.size()], std::move(context));
  // Lines are messages; the account exists for half of them.
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    Step step = mechanism->respond(bytes.substr(0, end));
    if (step.kind == Step::Kind::kLookup) {
      std::optional<impulse::aaa::Credentials> credentials;
      if ((data[0] & 0x80) != 0) {
        credentials.emplace();
        credentials->password = impulse::aaa::Secret("\x01 cannot be sent");
      }
      step = mechanism->supply(std::move(credentials));
    }
    if (step.kind == Step::Kind::kSuccess) std::abort();
    if (end == std::string_view::npos) break;
    bytes.remove_prefix(end + 1);
  }
  if (const auto decoded = base64_decode(bytes); decoded && base64_encode(*decoded) != bytes) {
    std::abort();
  }
  return 0;
}
