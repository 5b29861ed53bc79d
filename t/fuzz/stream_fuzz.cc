// Fuzzes the stream parser: any bytes, in pieces, and what is written must read as it was.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "modules/xmpp/parser.h"
#include "modules/xmpp/stanza.h"
#include "modules/xmpp/writer.h"

namespace {

using namespace impulse::xmpp;

class Check final : public ParserSink {
 public:
  void on_stream_start(const StreamHeader&) override { seen += "header\n"; }
  void on_element(Document element, std::size_t) override {
    const std::string written = to_xml(element.root(), "jabber:client");
    seen += written + "\n";
    const auto read = parse_element(written, "jabber:client", {1u << 24, 1u << 20, 128, 1u << 10});
    if (!read || to_xml(read->root(), "jabber:client") != written) std::abort();
    if (to_xml(read->root(), "other") != to_xml(element.root(), "other")) std::abort();
    auto stanza = Stanza::from(std::move(element));
    if (auto* good = std::get_if<Stanza>(&stanza)) {
      if (good->may_be_answered()) (void)good->error_reply({});
    }
  }
  void on_stream_end() override { seen += "end\n"; }
  void on_parse_error(const StreamError& error) override { seen += to_xml(error) + "\n"; }
  std::string seen;
};

std::string run(std::string_view bytes, std::size_t piece, ParserPool& pool) {
  StreamParser parser(pool);
  Check check;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    parser.feed(bytes.substr(i, piece), check);
  }
  return check.seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ParserPool pool;
  const std::string header =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
  run(bytes, 1 + data[0] % 16, pool);
  // Within the stream, and in a pool that others have used, pieces make no difference.
  const std::string stream = header + std::string(bytes);
  const std::string whole = run(stream, stream.size(), pool);
  const std::string pieces = run(stream, 1 + data[0] % 16, pool);
  // Only which error is met first may depend on them: limits are looked at after each piece.
  const auto without_error = [](const std::string& seen) {
    return seen.substr(0, seen.find("<stream:error>"));
  };
  if (without_error(whole) != without_error(pieces)) std::abort();
  return 0;
}
