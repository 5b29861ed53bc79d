// Fuzzes addresses: whatever is accepted stays itself and is within bounds.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "modules/xmpp/jid.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using impulse::xmpp::Jid;
  const auto jid = Jid::parse({reinterpret_cast<const char*>(data), size});
  if (!jid) return 0;
  if (jid->text().size() > 3071 || jid->domain().empty()) std::abort();
  const auto again = Jid::parse(jid->text());
  if (!again || *again != *jid || again->local() != jid->local()) std::abort();
  const auto made = Jid::make(jid->local(), jid->domain(), jid->resource());
  if (!made || *made != *jid) std::abort();
  return 0;
}
