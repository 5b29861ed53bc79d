// Tests of modules/xmpp/features.cc: what a stream offers (RFC 6120 section 4.3.2).
#include "modules/xmpp/features.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "host/base/owned.h"

namespace impulse::xmpp {
namespace {

std::string starttls(bool is_tls, bool has_certificate, bool is_required) {
  StreamOptions options;
  if (has_certificate) options.tls.certificate = "server.pem";
  options.tls_required = is_required;
  std::string out;
  write_starttls(out, is_tls, options);
  return out;
}

TEST(StreamFeatures, OfferStarttlsWhereThereIsACertificateAndNoTlsYet) {
  EXPECT_EQ(starttls(false, true, false), "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
  EXPECT_EQ(starttls(false, true, true),
            "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>");
  EXPECT_EQ(starttls(true, true, true), "");
  EXPECT_EQ(starttls(false, false, true), "") << "what cannot be done is not offered";
}

TEST(StreamFeatures, ListMechanismsInTheirOrder) {
  std::string out;
  write_mechanisms(out, {"SCRAM-SHA-256", "PLAIN"}, nullptr);
  EXPECT_EQ(out,
            "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
            "<mechanism>SCRAM-SHA-256</mechanism><mechanism>PLAIN</mechanism></mechanisms>");
}

// RFC 6120 section 6.4.1: an empty list would be a feature that cannot be used.
TEST(StreamFeatures, WithoutMechanismsSayNothing) {
  std::string out;
  write_mechanisms(out, {}, nullptr);
  EXPECT_EQ(out, "");
}

// XEP-0440 section 3.
TEST(StreamFeatures, UnderTlsNameTheChannelBindings) {
  const Owned<SSL_CTX, &SSL_CTX_free> context(SSL_CTX_new(TLS_server_method()));
  const Owned<SSL, &SSL_free> tls(SSL_new(context.get()));
  std::string out;
  write_mechanisms(out, {"PLAIN"}, tls.get());
  const std::size_t at = out.find("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>");
  ASSERT_NE(at, std::string::npos) << out;
  EXPECT_GT(at, out.find("</mechanisms>"));
  for (const std::string& type :
       sasl::channel_binding_types(SSL_version(tls.get()) >= TLS1_3_VERSION)) {
    EXPECT_NE(out.find("<channel-binding type='" + type + "'/>"), std::string::npos) << type;
  }
  EXPECT_TRUE(out.ends_with("</sasl-channel-binding>"));
}

TEST(StreamFeatures, AfterAuthenticationAreBindSessionScriptsAndLimits) {
  std::string out;
  write_bound_features(out, {"sub urn:xmpp:features:pre-approval", "x it's&"}, 262144);
  EXPECT_EQ(out,
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
            "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>"
            "<sub xmlns='urn:xmpp:features:pre-approval'/>"
            "<x xmlns='it&apos;s&amp;'/>"
            "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>262144</max-bytes></limits>");
}

}  // namespace
}  // namespace impulse::xmpp
