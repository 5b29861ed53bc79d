// Stream features as text.
#include "modules/xmpp/features.h"

#include <openssl/ssl.h>

#include "modules/xmpp/namespaces.h"
#include "modules/xmpp/writer.h"

namespace impulse::xmpp {

namespace {
void open_element(std::string& out, std::string_view name, std::string_view space) {
  out.append("<").append(name).append(" xmlns='");
  escape_attribute(out, space);
  out += "'";
}
}  // namespace

void write_starttls(std::string& out, bool is_tls, const StreamOptions& options) {
  if (is_tls || options.tls.certificate.empty()) return;
  open_element(out, "starttls", ns::kTls);
  out += options.tls_required ? "><required/></starttls>" : "/>";
}

void write_mechanisms(std::string& out, const std::vector<std::string>& mechanisms, ssl_st* tls) {
  if (mechanisms.empty()) return;
  open_element(out, "mechanisms", ns::kSasl);
  out += ">";
  for (const std::string& name : mechanisms) {
    out.append("<mechanism>").append(name).append("</mechanism>");
  }
  out += "</mechanisms>";
  if (!tls) return;
  open_element(out, "sasl-channel-binding", ns::kSaslChannelBinding);
  out += ">";
  for (const std::string& type : sasl::channel_binding_types(SSL_version(tls) >= TLS1_3_VERSION)) {
    out.append("<channel-binding type='").append(type).append("'/>");
  }
  out += "</sasl-channel-binding>";
}

void write_bound_features(std::string& out, const std::vector<std::string>& features,
                          std::uint32_t stanza_bytes) {
  open_element(out, "bind", ns::kBind);
  out += "/>";
  open_element(out, "session", ns::kSession);  // COMPAT(RFC 3921 clients): a no-op since 6121
  out += "><optional/></session>";
  for (const std::string& feature : features) {
    const std::size_t space = feature.find(' ');
    open_element(out, feature.substr(0, space), feature.substr(space + 1));
    out += "/>";
  }
  open_element(out, "limits", ns::kStreamLimits);
  out.append("><max-bytes>").append(std::to_string(stanza_bytes)).append("</max-bytes></limits>");
}

}  // namespace impulse::xmpp
