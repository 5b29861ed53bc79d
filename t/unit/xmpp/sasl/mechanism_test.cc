// Tests of SASL: PLAIN (RFC 4616), SCRAM (RFC 5802, RFC 7677), base64 (RFC 4648).
#include "modules/xmpp/sasl/mechanism.h"

#include <gtest/gtest.h>

#include "modules/xmpp/sasl/mechanisms.h"

namespace impulse::xmpp::sasl {
namespace {

using aaa::Credentials;
using aaa::ScramHash;
using Kind = Step::Kind;

std::string raw(std::string_view base64) { return base64_decode(base64).value(); }

Credentials clear(std::string_view password) {
  Credentials credentials;
  credentials.password = aaa::Secret(password);
  return credentials;
}

Credentials keys(ScramHash hash, std::string_view password, std::string_view salt,
                 std::uint32_t iterations = 4096) {
  Credentials credentials;
  (hash == ScramHash::kSha1 ? credentials.sha1 : credentials.sha256) =
      aaa::derive_scram_keys(hash, password, salt, iterations);
  return credentials;
}

class SaslTest : public testing::Test {
 protected:
  Context context(bool plus_offered = false) {
    Context made;
    made.domain = "example.com";
    made.is_tls = true;
    made.plus_offered = plus_offered;
    made.channel_binding = [](std::string_view type) {
      std::string data;
      for (char c = 0; type == "tls-exporter" && c < 32; ++c) data.push_back(c);
      return data;
    };
    made.keys = &cache;
    return made;
  }
  std::unique_ptr<Mechanism> scram(ScramHash hash, bool is_plus, std::string nonce,
                                   bool plus_offered = false) {
    return make_scram(hash, is_plus, context(plus_offered), std::move(nonce));
  }
  ScramKeyCache cache{"secret"};
};

struct Vector {
  const char* name;
  ScramHash hash;
  bool is_plus;
  std::string gs2, user, password, salt, client_nonce, server_nonce, binding, proof, verifier;
};
void PrintTo(const Vector& row, std::ostream* out) { *out << row.name; }
class ScramVectors : public SaslTest, public testing::WithParamInterface<Vector> {};

TEST_P(ScramVectors, ExchangeIsAsPublished) {
  const Vector& v = GetParam();
  auto mechanism = scram(v.hash, v.is_plus, v.server_nonce);
  EXPECT_EQ(mechanism->respond(std::nullopt).kind, Kind::kChallenge);
  const Step lookup = mechanism->respond(v.gs2 + "n=" + v.user + ",r=" + v.client_nonce);
  ASSERT_EQ(lookup.kind, Kind::kLookup);
  EXPECT_EQ(lookup.user, v.user);
  const Step first = mechanism->supply(keys(v.hash, v.password, raw(v.salt)));
  ASSERT_EQ(first.kind, Kind::kChallenge);
  const std::string nonce = v.client_nonce + v.server_nonce;
  EXPECT_EQ(first.data, "r=" + nonce + ",s=" + v.salt + ",i=4096");
  const Step last = mechanism->respond("c=" + v.binding + ",r=" + nonce + ",p=" + v.proof);
  ASSERT_EQ(last.kind, Kind::kSuccess);
  EXPECT_EQ(last.data, "v=" + v.verifier);
  EXPECT_EQ(last.user, v.user);
  EXPECT_EQ(mechanism->respond("c=").kind, Kind::kFailure);
}

const std::string kPlusBinding = "cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
INSTANTIATE_TEST_SUITE_P(
    Rfcs, ScramVectors,
    testing::Values(
        Vector{"Rfc5802Sha1", ScramHash::kSha1, false, "n,,", "user", "pencil", "QSXCR+Q6sek8bf92",
               "fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j", "biws",
               "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "rmF9pqV8S7suAoZWja4dJRkFsKQ="},
        Vector{"Rfc7677Sha256", ScramHash::kSha256, false, "n,,", "user", "pencil",
               "W22ZaJ0SNY7soEsUEjb6gQ==", "rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
               "biws", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
               "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="},
        Vector{"PlusSha1", ScramHash::kSha1, true, "p=tls-exporter,,", "juliet", "r0m30myr0m30",
               "MDEyMzQ1Njc4OWFiY2RlZg==", "cnonce-of-client", "-snonce-of-server", kPlusBinding,
               "cgBGwhNY9RascR0I5xYfmrptpJw=", "8zu11VeaXbtvIyTqPdOPzA0FsHM="},
        Vector{"PlusSha256", ScramHash::kSha256, true, "p=tls-exporter,,", "juliet", "r0m30myr0m30",
               "MDEyMzQ1Njc4OWFiY2RlZg==", "cnonce-of-client", "-snonce-of-server", kPlusBinding,
               "3129x2qMz/BKPH1xkYpmAsxt6D51HqbzQcVIcEK7B+o=",
               "9YGcZoqawqPCX6PF9ZwdTJgBJGgKfS21wCMIc+6wbco="},
        Vector{"FlagYSha256", ScramHash::kSha256, false, "y,,", "juliet", "r0m30myr0m30",
               "MDEyMzQ1Njc4OWFiY2RlZg==", "cnonce-of-client", "-snonce-of-server", "eSws",
               "YdhnuhyeUCKcWQxBIptfQnTsCW26EMqaq/VSgP/4TxE=",
               "hyQxv/Xeo30D2Wxz3nP7QFYvW/HkpS/713eDr/+rnHs="}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(SaslTest, ScramFinalIsRefusedForEachThingThatDiffers) {
  const Vector v = {"",
                    ScramHash::kSha1,
                    false,
                    "n,,",
                    "user",
                    "pencil",
                    "QSXCR+Q6sek8bf92",
                    "fyko+d2lbbFgONRv9qkxdawL",
                    "3rfcNHYJY1ZVvWVs7j",
                    "biws",
                    "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                    ""};
  const std::string nonce = v.client_nonce + v.server_nonce;
  const auto answer = [&](const std::string& final_message) {
    auto mechanism = scram(v.hash, false, v.server_nonce);
    mechanism->respond("n,,n=user,r=" + v.client_nonce);
    mechanism->supply(keys(v.hash, v.password, raw(v.salt)));
    return mechanism->respond(final_message);
  };
  EXPECT_EQ(answer("c=biws,r=" + nonce + ",p=" + v.proof).kind, Kind::kSuccess);
  const Failure no = Failure::kNotAuthorized;
  EXPECT_EQ(answer("c=eSws,r=" + nonce + ",p=" + v.proof).failure, no);
  EXPECT_EQ(answer("c=biws,r=" + nonce + "x,p=" + v.proof).failure, no);
  EXPECT_EQ(answer("c=biws,r=" + v.client_nonce + ",p=" + v.proof).failure, no);
  EXPECT_EQ(answer("c=biws,r=" + nonce + ",p=wUX8v3Bz2T0CJGbJQyF0X+HI4Ts=").failure, no);
  EXPECT_EQ(answer("c=biws,r=" + nonce + ",p=").failure, no);
  EXPECT_EQ(answer("c=biws,r=" + nonce + ",p=AAAA").failure, no);
  for (const std::string& bad :
       std::vector<std::string>{"", "c=biws", "c=biws,r=" + nonce, "c=!,r=" + nonce + ",p=AAAA",
                                "r=" + nonce + ",c=biws,p=" + v.proof}) {
    EXPECT_EQ(answer(bad).failure, Failure::kMalformedRequest) << bad;
  }
}

TEST_F(SaslTest, ScramFirstMessageIsCheckedBeforeAnyLookup) {
  struct {
    const char* message;
    Failure failure;
  } const rows[] = {
      {"", Failure::kMalformedRequest},
      {"n", Failure::kMalformedRequest},
      {"n,,", Failure::kMalformedRequest},
      {"x,,n=user,r=abc", Failure::kMalformedRequest},
      {"p=tls-exporter,,n=user,r=abc", Failure::kMalformedRequest},
      {"n,,m=x,n=user,r=abc", Failure::kMalformedRequest},
      {"n,,n=,r=abc", Failure::kMalformedRequest},
      {"n,,n=user,r=", Failure::kMalformedRequest},
      {"n,,n=us=er,r=abc", Failure::kMalformedRequest},
      {"n,,n=us=2cer,r=abc", Failure::kMalformedRequest},
      {"n,,n=us=3", Failure::kMalformedRequest},
      {"n,x=y,n=user,r=abc", Failure::kMalformedRequest},
      {"n,a=,n=user,r=abc", Failure::kMalformedRequest},
      {"n,,n=us=2Cer@,r=abc", Failure::kNotAuthorized},
      {"n,a=other@example.com,n=user,r=abc", Failure::kInvalidAuthzid},
      {"n,a=user@example.org,n=user,r=abc", Failure::kInvalidAuthzid},
      {"n,a=user@example.com/x,n=user,r=abc", Failure::kInvalidAuthzid},
  };
  for (const auto& row : rows) {
    const Step step = scram(ScramHash::kSha256, false, "s")->respond(row.message);
    EXPECT_EQ(step.kind, Kind::kFailure) << row.message;
    EXPECT_EQ(name_of(step.failure), name_of(row.failure)) << row.message;
  }
  const Step own =
      scram(ScramHash::kSha256, false, "s")->respond("n,a=user@example.com,n=User,r=abc");
  EXPECT_EQ(own.kind, Kind::kLookup);
  EXPECT_EQ(own.user, "user");
  EXPECT_EQ(scram(ScramHash::kSha256, false, "s")->respond("n,,n=a=2Cb=3Dc,r=abc").user, "a,b=c");
}

TEST_F(SaslTest, ChannelBindingFlagMustFitTheMechanism) {  // RFC 5802 section 6
  const auto first = [&](bool is_plus, bool plus_offered, const char* flag) {
    return scram(ScramHash::kSha1, is_plus, "s", plus_offered)
        ->respond(std::string(flag) + ",,n=user,r=abc");
  };
  EXPECT_EQ(first(false, true, "n").kind, Kind::kLookup);
  EXPECT_EQ(first(false, false, "y").kind, Kind::kLookup);
  EXPECT_EQ(first(false, true, "y").failure, Failure::kNotAuthorized);
  EXPECT_EQ(first(true, true, "p=tls-exporter").kind, Kind::kLookup);
  EXPECT_EQ(first(true, true, "p=tls-unique").failure, Failure::kNotAuthorized);
  EXPECT_EQ(first(true, true, "p=").failure, Failure::kMalformedRequest);
  EXPECT_EQ(first(true, true, "n").failure, Failure::kMalformedRequest);
  EXPECT_EQ(first(true, true, "y").failure, Failure::kMalformedRequest);
}

TEST_F(SaslTest, UnknownAccountIsShownWhatAKnownOneIs) {
  const auto first = [&](std::optional<Credentials> credentials) {
    auto mechanism = scram(ScramHash::kSha256, false, "s");
    mechanism->respond("n,,n=user,r=abc");
    return mechanism->supply(std::move(credentials)).data;
  };
  // The same salt before and after the account is made, and each time.
  const std::string unknown = first(std::nullopt);
  EXPECT_EQ(unknown, first(std::nullopt));
  EXPECT_EQ(unknown, first(clear("pencil")));
  auto mechanism = scram(ScramHash::kSha256, false, "s");
  mechanism->respond("n,,n=user,r=abc");
  mechanism->supply(std::nullopt);
  const Step last = mechanism->respond("c=biws,r=abcs,p=" + base64_encode(std::string(32, 'x')));
  EXPECT_EQ(last.failure, Failure::kNotAuthorized);
}

TEST_F(SaslTest, WhatCostsPbkdf2IsToldBefore) {
  auto mechanism = scram(ScramHash::kSha1, false, "s");
  mechanism->respond("n,,n=user,r=abc");
  EXPECT_TRUE(mechanism->is_costly(clear("pencil")));
  EXPECT_FALSE(mechanism->is_costly(keys(ScramHash::kSha1, "pencil", "salt")));
  EXPECT_FALSE(mechanism->is_costly(std::nullopt));
  mechanism->supply(clear("pencil"));
  EXPECT_FALSE(mechanism->is_costly(clear("pencil")));
  EXPECT_TRUE(mechanism->is_costly(clear("pen")));
  // With stores that have clear text, an account that is not there costs what a new one does.
  EXPECT_TRUE(mechanism->is_costly(std::nullopt));

  auto plain = make_plain(context());
  EXPECT_FALSE(plain->is_costly(clear("pencil")));
  EXPECT_FALSE(plain->is_costly(std::nullopt));
  EXPECT_TRUE(plain->is_costly(keys(ScramHash::kSha1, "pencil", "salt")));
}

TEST_F(SaslTest, PlainChecksPasswordAndForm) {
  const auto run = [&](std::string_view message, std::optional<Credentials> credentials) {
    auto mechanism = make_plain(context());
    Step step = mechanism->respond(message);
    if (step.kind == Kind::kLookup) step = mechanism->supply(std::move(credentials));
    return step;
  };
  using namespace std::string_view_literals;
  EXPECT_EQ(run("\0user\0pencil"sv, clear("pencil")).kind, Kind::kSuccess);
  EXPECT_EQ(run("\0User\0pencil"sv, clear("pencil")).user, "user");
  EXPECT_EQ(run("user@example.com\0user\0pencil"sv, clear("pencil")).kind, Kind::kSuccess);
  EXPECT_EQ(run("\0user\0pencil"sv, keys(ScramHash::kSha1, "pencil", "salt")).kind, Kind::kSuccess);
  // Composed and decomposed are one password, a wide space is a space (RFC 8265 section 4.2).
  EXPECT_EQ(run("\0user\0e\u0301\u00A0"sv, clear("\u00E9 ")).kind, Kind::kSuccess);
  EXPECT_EQ(run("\0user\0pencil"sv, clear("Pencil")).failure, Failure::kNotAuthorized);
  EXPECT_EQ(run("\0user\0pen"sv, clear("pencil")).failure, Failure::kNotAuthorized);
  EXPECT_EQ(run("\0user\0pencil"sv, std::nullopt).failure, Failure::kNotAuthorized);
  EXPECT_EQ(run("\0user\0pen"sv, keys(ScramHash::kSha1, "pencil", "salt")).failure,
            Failure::kNotAuthorized);
  EXPECT_EQ(run("other@example.com\0user\0pencil"sv, clear("pencil")).failure,
            Failure::kInvalidAuthzid);
  EXPECT_EQ(run("user\0user\0pencil"sv, clear("pencil")).failure, Failure::kInvalidAuthzid);
  EXPECT_EQ(run("\0us er\0pencil"sv, clear("pencil")).failure, Failure::kNotAuthorized);
  for (const auto bad :
       {""sv, "user"sv, "\0user"sv, "\0\0pencil"sv, "\0user\0"sv, "\0user\0pen\0cil"sv}) {
    EXPECT_EQ(run(bad, clear("pencil")).failure, Failure::kMalformedRequest);
  }
}

TEST_F(SaslTest, NoMechanismGoesOnOutOfTurn) {
  for (const char* name : {"PLAIN", "SCRAM-SHA-1"}) {
    const bool is_plain = std::string_view(name) == "PLAIN";
    const std::string first =
        is_plain ? std::string("\0user\0pencil", 12) : std::string("n,,n=user,r=abc");
    auto mechanism = make_mechanism(name, context());
    EXPECT_EQ(mechanism->supply(clear("pencil")).failure, Failure::kMalformedRequest);
    EXPECT_EQ(mechanism->respond(first).kind, Kind::kFailure);
    mechanism = make_mechanism(name, context());
    EXPECT_EQ(mechanism->respond(first).kind, Kind::kLookup);
    EXPECT_EQ(mechanism->respond(first).kind, Kind::kFailure);
    EXPECT_EQ(mechanism->supply(clear("pencil")).kind, Kind::kFailure);
    mechanism = make_mechanism(name, context());
    EXPECT_EQ(mechanism->respond(std::nullopt).kind, Kind::kChallenge);
    EXPECT_EQ(mechanism->respond(std::nullopt).failure, Failure::kMalformedRequest);
    mechanism = make_mechanism(name, context());
    EXPECT_EQ(mechanism->respond(first + std::string(5000, 'x')).failure,
              Failure::kMalformedRequest);
  }
}

TEST_F(SaslTest, StrongestIsOfferedFirst) {
  EXPECT_EQ(mechanisms({.plain = true, .channel_binding = true}),
            (std::vector<std::string>{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256",
                                      "SCRAM-SHA-1", "PLAIN"}));
  EXPECT_EQ(mechanisms({.plain = false, .channel_binding = false}),
            (std::vector<std::string>{"SCRAM-SHA-256", "SCRAM-SHA-1"}));
  EXPECT_EQ(make_mechanism("plain", context()), nullptr);
  EXPECT_EQ(make_mechanism("ANONYMOUS", context()), nullptr);
}

TEST_F(SaslTest, KeyCacheHoldsNoMoreThanItsCapacity) {
  ScramKeyCache small("secret", 2);
  for (const char* account : {"a@x", "b@x", "c@x"}) small.keys_for(ScramHash::kSha1, account, "p");
  int held = 0;
  for (const char* account : {"a@x", "b@x", "c@x"})
    held += small.has(ScramHash::kSha1, account, "p");
  EXPECT_EQ(held, 2);
  EXPECT_NE(small.salt_for(ScramHash::kSha1, "a@x"), small.salt_for(ScramHash::kSha1, "b@x"));
  EXPECT_NE(small.salt_for(ScramHash::kSha1, "a@x"), small.salt_for(ScramHash::kSha256, "a@x"));
}

TEST(Base64, Rfc4648Section10) {
  const char* const rows[][2] = {{"", ""},
                                 {"f", "Zg=="},
                                 {"fo", "Zm8="},
                                 {"foo", "Zm9v"},
                                 {"foob", "Zm9vYg=="},
                                 {"fooba", "Zm9vYmE="},
                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& row : rows) {
    EXPECT_EQ(base64_encode(row[0]), row[1]);
    EXPECT_EQ(base64_decode(row[1]), row[0]);
  }
  EXPECT_EQ(base64_decode("/+8="), "\xFF\xEF");
}

TEST(Base64, RefusesWhatIsNotCanonical) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm 9",
                          "Zm9v\n", "Zg==Zg==", "Zm-_", "=Zg="}) {
    EXPECT_EQ(base64_decode(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace impulse::xmpp::sasl
