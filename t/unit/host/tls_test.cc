// Tests of host/net/tls.cc: contexts over in-memory handshakes.
#include "host/net/tls.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "t/unit/host/tls_fixture.h"

namespace impulse::net {
namespace {

using test::Certificate;
using test::TemporaryFolder;

class Tls : public ::testing::Test {
 protected:
  Tls() {
    certificate_.write_both(folder_.file("both.pem"));
    options_.certificate = folder_.file("both.pem");
  }

  // A client and a server with BIOs between them.
  struct Pair {
    Owned<SSL_CTX, &SSL_CTX_free> client_context;
    Owned<SSL, &SSL_free> client;
    Owned<SSL, &SSL_free> server;
    bool established = false;
  };
  static Pair prepare(const TlsContext& context, int max_version) {
    Pair pair;
    pair.client_context.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(pair.client_context.get(), max_version);
    pair.client.reset(SSL_new(pair.client_context.get()));
    pair.server.reset(SSL_new(context.raw()));
    BIO* at_client = nullptr;
    BIO* at_server = nullptr;
    BIO_new_bio_pair(&at_client, 0, &at_server, 0);
    SSL_set_bio(pair.client.get(), at_client, at_client);
    SSL_set_bio(pair.server.get(), at_server, at_server);
    SSL_set_connect_state(pair.client.get());
    SSL_set_accept_state(pair.server.get());
    return pair;
  }
  static bool shake_hands(Pair& pair) {
    int client = 0;
    int server = 0;
    for (int i = 0; i < 20 && (client != 1 || server != 1); ++i) {
      client = SSL_do_handshake(pair.client.get());
      server = SSL_do_handshake(pair.server.get());
    }
    ERR_clear_error();
    pair.established = client == 1 && server == 1;
    return pair.established;
  }
  Pair handshake(const TlsOptions& options, int max_version = TLS1_3_VERSION) {
    const auto context = TlsContext::make(options);
    EXPECT_TRUE(context) << context.error().what;
    Pair pair = prepare(**context, max_version);
    shake_hands(pair);
    return pair;
  }
  std::string error_of(const TlsOptions& options) {
    const auto made = TlsContext::make(options);
    return made ? "no error" : made.error().what;
  }

  TemporaryFolder folder_;
  Certificate certificate_;
  TlsOptions options_;
};

TEST_F(Tls, NegotiatesModernCiphersInBothVersions) {
  const Pair tls13 = handshake(options_);
  ASSERT_TRUE(tls13.established);
  EXPECT_STREQ(SSL_get_version(tls13.server.get()), "TLSv1.3");
  const Pair tls12 = handshake(options_, TLS1_2_VERSION);
  ASSERT_TRUE(tls12.established);
  EXPECT_STREQ(SSL_get_version(tls12.server.get()), "TLSv1.2");
  EXPECT_STREQ(SSL_get_cipher(tls12.server.get()), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

TEST_F(Tls, OffersNothingBelowTls12AndNoCbcCiphersByDefault) {
  const auto context = TlsContext::make(options_);
  ASSERT_TRUE(context);
  Pair old = prepare(**context, TLS1_1_VERSION);
  SSL_set_security_level(old.client.get(), 0);
  EXPECT_FALSE(shake_hands(old));
  Pair cbc = prepare(**context, TLS1_2_VERSION);
  ASSERT_EQ(SSL_set_cipher_list(cbc.client.get(), "ECDHE-ECDSA-AES128-SHA256"), 1);
  EXPECT_FALSE(shake_hands(cbc));
}

TEST_F(Tls, ProtocolsCanBeTakenAway) {
  options_.protocols = "+ALL:-TLSv1.3";
  EXPECT_STREQ(SSL_get_version(handshake(options_).server.get()), "TLSv1.2");
  options_.protocols = ":+TLSv1.3";
  EXPECT_FALSE(handshake(options_, TLS1_2_VERSION).established);
  EXPECT_TRUE(handshake(options_).established);
  options_.protocols = "+ALL:-SSLv3:-TLSv1.0";
  EXPECT_TRUE(handshake(options_, TLS1_2_VERSION).established);
}

TEST_F(Tls, ErrorsNameTheOptionTheFileAndTheRemedy) {
  TlsOptions none;
  EXPECT_NE(error_of(none).find("tls_certificate is not set"), std::string::npos);
  none.certificate = "none";
  EXPECT_NE(error_of(none).find("tls_certificate is not set"), std::string::npos);

  TlsOptions missing = options_;
  missing.certificate = folder_.file("nonesuch.pem");
  EXPECT_NE(error_of(missing).find("tls_certificate '" + missing.certificate), std::string::npos);
  EXPECT_NE(error_of(missing).find("No such file"), std::string::npos) << error_of(missing);

  TlsOptions other_key = options_;
  const Certificate other;
  other_key.key = folder_.file("other.key");
  other.write_key(other_key.key);
  EXPECT_NE(error_of(other_key).find("tls_key '" + other_key.key), std::string::npos);

  TlsOptions no_key = options_;
  no_key.certificate = folder_.file("only.pem");
  certificate_.write_certificate(no_key.certificate);
  EXPECT_NE(error_of(no_key).find("private key"), std::string::npos);
  no_key.key = options_.certificate;
  EXPECT_EQ(error_of(no_key), "no error");

  TlsOptions ciphers = options_;
  ciphers.ciphers = "NONESUCH";
  EXPECT_NE(error_of(ciphers).find("tls_ciphers 'NONESUCH'"), std::string::npos);
  ciphers.ciphers = "DEFAULT";
  EXPECT_EQ(error_of(ciphers), "no error");

  TlsOptions ca = options_;
  ca.verify_mode = "optional";
  ca.client_ca = folder_.file("nonesuch.ca");
  EXPECT_NE(error_of(ca).find("tls_client_ca '" + ca.client_ca), std::string::npos);

  TlsOptions protocols = options_;
  protocols.protocols = "+ALL:-TLSv1.4";
  EXPECT_NE(error_of(protocols).find("'TLSv1.4' is no protocol"), std::string::npos);
  protocols.protocols = "+TLSv1.0";
  EXPECT_NE(error_of(protocols).find("neither TLSv1.2 nor TLSv1.3"), std::string::npos);
}

TEST_F(Tls, SelectsItsAlpnProtocolAndContinuesWithoutAMatch) {
  options_.alpn = "xmpp-client";
  auto context = TlsContext::make(options_);
  ASSERT_TRUE(context);
  const auto selected = [&](std::string_view offer) {
    Pair pair = prepare(**context, TLS1_3_VERSION);
    if (!offer.empty()) {
      SSL_set_alpn_protos(pair.client.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                          static_cast<unsigned>(offer.size()));
    }
    EXPECT_TRUE(shake_hands(pair));
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(pair.client.get(), &name, &length);
    return std::string(reinterpret_cast<const char*>(name), length);
  };
  EXPECT_EQ(selected("\x08http/1.1\x0bxmpp-client"), "xmpp-client");
  EXPECT_EQ(selected("\x08http/1.1"), "");
  EXPECT_EQ(selected("\x0bxmpp-server"), "");
  EXPECT_EQ(selected(""), "");

  // The connection keeps what it needs when the context's owner lets go.
  Pair pair = prepare(**context, TLS1_3_VERSION);
  constexpr std::string_view kOffer = "\x0bxmpp-client";
  SSL_set_alpn_protos(pair.client.get(), reinterpret_cast<const unsigned char*>(kOffer.data()),
                      static_cast<unsigned>(kOffer.size()));
  context = Error{};
  EXPECT_TRUE(shake_hands(pair));
}

TEST_F(Tls, AMissingClientCertificateEndsTheHandshakeOnlyWhereItIsRequired) {
  const struct {
    const char* mode;
    bool established;
  } rows[] = {{"none", true}, {"optional", true}, {"require", false}};
  for (const auto& row : rows) {
    options_.verify_mode = row.mode;
    options_.client_ca = options_.certificate;
    EXPECT_EQ(handshake(options_, TLS1_2_VERSION).established, row.established) << row.mode;
  }
}

TEST_F(Tls, AWrongClientCertificateIsLeftToPolicy) {
  const Certificate client("romeo@example.net");
  client.write_certificate(folder_.file("client.pem"));
  const auto result_with = [&](const std::string& mode, const std::string& ca) {
    options_.verify_mode = mode;
    options_.client_ca = ca;
    const auto context = TlsContext::make(options_);
    EXPECT_TRUE(context);
    Pair pair = prepare(**context, TLS1_3_VERSION);
    SSL_use_certificate(pair.client.get(), client.get());
    SSL_use_PrivateKey(pair.client.get(), client.key());
    EXPECT_TRUE(shake_hands(pair));
    Owned<X509, &X509_free> peer(SSL_get1_peer_certificate(pair.server.get()));
    EXPECT_EQ(peer != nullptr, mode != "none");
    return SSL_get_verify_result(pair.server.get());
  };
  EXPECT_EQ(result_with("require", folder_.file("client.pem")), X509_V_OK);
  EXPECT_EQ(result_with("optional", folder_.file("client.pem")), X509_V_OK);
  EXPECT_NE(result_with("require", options_.certificate), X509_V_OK);
  EXPECT_NE(result_with("anything", options_.certificate), X509_V_OK);
  EXPECT_EQ(result_with("none", ""), X509_V_OK);  // none was asked for
}

TEST_F(Tls, RenegotiationIsRefusedUnlessAskedFor) {
  const auto renegotiates = [&] {
    Pair pair = handshake(options_, TLS1_2_VERSION);
    EXPECT_TRUE(pair.established);
    const auto finished = [&] {
      unsigned char bytes[EVP_MAX_MD_SIZE];
      const std::size_t length = SSL_get_finished(pair.client.get(), bytes, sizeof bytes);
      return std::string(reinterpret_cast<const char*>(bytes), length);
    };
    const std::string before = finished();
    SSL_renegotiate(pair.client.get());
    char byte = 0;
    bool done = false;
    for (int i = 0; i < 10; ++i) {
      done = SSL_do_handshake(pair.client.get()) == 1;
      SSL_read(pair.server.get(), &byte, 1);
    }
    ERR_clear_error();
    return done && finished() != before;
  };
  EXPECT_FALSE(renegotiates());
  options_.allow_renegotiation = true;
  EXPECT_TRUE(renegotiates());
}

// What the client side computes for itself (RFC 5929, RFC 9266).
std::string exporter_of(SSL* ssl) {
  std::string out(32, '\0');
  const unsigned char nothing = 0;
  EXPECT_EQ(SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(out.data()), 32,
                                       "EXPORTER-Channel-Binding", 24, &nothing, 0, 1),
            1);
  return out;
}

std::string hash_of(const X509* certificate, const EVP_MD* digest) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  X509_digest(certificate, digest, hash, &length);
  return std::string(reinterpret_cast<const char*>(hash), length);
}

TEST_F(Tls, ExporterBindingIsEqualOnBothSidesAndDiffersBetweenConnections) {  // RFC 9266
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Pair one = handshake(options_, version);
    const Pair two = handshake(options_, version);
    const std::string binding = channel_binding_exporter(one.server.get());
    EXPECT_EQ(binding.size(), 32U);
    EXPECT_EQ(binding, exporter_of(one.client.get()));
    EXPECT_NE(binding, channel_binding_exporter(two.server.get()));
  }
}

TEST_F(Tls, BindingsOfTls12NeedTheExtendedMasterSecret) {  // RFC 9266 section 3, RFC 7627
  const auto context = TlsContext::make(options_);
  ASSERT_TRUE(context);
  Pair pair = prepare(**context, TLS1_2_VERSION);
  SSL_set_options(pair.client.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
  ASSERT_TRUE(shake_hands(pair));
  EXPECT_EQ(channel_binding_exporter(pair.server.get()), "");
  EXPECT_EQ(channel_binding_unique(pair.server.get()), "");
}

TEST_F(Tls, ServerEndPointBindingUsesTheHashOfTheSignature) {  // RFC 5929 section 4.1
  const struct {
    const EVP_MD* signature;
    const EVP_MD* binding;
  } rows[] = {
      {EVP_sha256(), EVP_sha256()}, {EVP_sha384(), EVP_sha384()}, {EVP_sha512(), EVP_sha512()}};
  for (const auto& row : rows) {
    const Certificate certificate("example.net", row.signature);
    certificate.write_both(folder_.file("row.pem"));
    options_.certificate = folder_.file("row.pem");
    const Pair pair = handshake(options_);
    ASSERT_TRUE(pair.established);
    EXPECT_EQ(channel_binding_server_end_point(pair.server.get()),
              hash_of(certificate.get(), row.binding));
  }
}

TEST_F(Tls, UniqueBindingIsTheFirstFinishedAlsoAfterResumption) {  // RFC 5929 section 3.1
  const auto context = TlsContext::make(options_);
  ASSERT_TRUE(context);
  unsigned char finished[EVP_MAX_MD_SIZE];
  Pair first = prepare(**context, TLS1_2_VERSION);
  ASSERT_TRUE(shake_hands(first));
  std::size_t length = SSL_get_finished(first.client.get(), finished, sizeof finished);
  EXPECT_EQ(channel_binding_unique(first.server.get()),
            std::string(reinterpret_cast<const char*>(finished), length));

  Pair second = prepare(**context, TLS1_2_VERSION);
  SSL_set_session(second.client.get(), SSL_get0_session(first.client.get()));
  ASSERT_TRUE(shake_hands(second));
  ASSERT_EQ(SSL_session_reused(second.server.get()), 1) << "tickets are on";
  length = SSL_get_peer_finished(second.client.get(), finished, sizeof finished);
  EXPECT_EQ(channel_binding_unique(second.server.get()),
            std::string(reinterpret_cast<const char*>(finished), length));

  EXPECT_EQ(channel_binding_unique(handshake(options_).server.get()), "") << "not with TLS 1.3";
}

class TlsFiles : public Tls {
 protected:
  // Files are looked at once a second at most.
  static void wait_for_check() { std::this_thread::sleep_for(std::chrono::milliseconds(1050)); }
};

TEST_F(TlsFiles, OneContextServesEqualOptionsAndAnotherOneOthers) {
  TlsContexts contexts;
  const auto one = contexts.get(options_);
  const auto same = contexts.get(options_);
  ASSERT_TRUE(one && same);
  EXPECT_EQ(*one, *same);
  options_.alpn = "xmpp-client";
  const auto other = contexts.get(options_);
  ASSERT_TRUE(other);
  EXPECT_NE(*one, *other);
  contexts.flush();
  EXPECT_NE(*other, *contexts.get(options_));
}

TEST_F(TlsFiles, AChangedFileIsReadAnewAndABrokenOneLeavesTheOldContext) {
  TlsContexts contexts;
  const auto first = contexts.get(options_);
  ASSERT_TRUE(first);
  wait_for_check();
  EXPECT_EQ(*contexts.get(options_), *first) << "nothing changed";

  const Certificate renewed;
  renewed.write_both(options_.certificate + ".new");
  ASSERT_EQ(::rename((options_.certificate + ".new").c_str(), options_.certificate.c_str()), 0);
  wait_for_check();
  const auto second = contexts.get(options_);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, *first);
  Pair pair = prepare(**second, TLS1_3_VERSION);
  ASSERT_TRUE(shake_hands(pair));
  EXPECT_EQ(X509_cmp(SSL_get_certificate(pair.server.get()), renewed.get()), 0);

  std::ofstream(options_.certificate) << "half written";
  wait_for_check();
  const auto third = contexts.get(options_);
  ASSERT_TRUE(third);
  EXPECT_EQ(*third, *second);

  renewed.write_both(options_.certificate);
  wait_for_check();
  const auto fourth = contexts.get(options_);
  ASSERT_TRUE(fourth);
  EXPECT_NE(*fourth, *second);
}

TEST_F(TlsFiles, AnErrorIsNotRemembered) {
  TlsContexts contexts;
  options_.certificate = folder_.file("later.pem");
  EXPECT_FALSE(contexts.get(options_));
  certificate_.write_both(options_.certificate);
  EXPECT_TRUE(contexts.get(options_));
}

}  // namespace
}  // namespace impulse::net
