// Tests of host/aaa/scram_keys.cc against the vectors of RFC 5802 and RFC 7677.
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <string>

#include "host/aaa/password_store.h"

namespace impulse::aaa {
namespace {

std::string from_base64(std::string text) {
  std::string out(text.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  for (; text.ends_with('='); text.pop_back()) out.pop_back();
  return out;
}

struct Vector {
  const char* name;
  ScramHash hash;
  const char* salt;
  const char* stored_key;
  const char* server_key;
};

class ScramKeysVectors : public ::testing::TestWithParam<Vector> {};

TEST_P(ScramKeysVectors, ComeOutAsInTheSpecification) {
  const Vector& v = GetParam();
  const ScramKeys keys = derive_scram_keys(v.hash, "pencil", from_base64(v.salt), 4096);
  EXPECT_EQ(keys.stored_key, from_base64(v.stored_key));
  EXPECT_EQ(keys.server_key, from_base64(v.server_key));
  EXPECT_EQ(keys.salt, from_base64(v.salt));
  EXPECT_EQ(keys.iterations, 4096u);
}

INSTANTIATE_TEST_SUITE_P(
    Rfc, ScramKeysVectors,
    ::testing::Values(Vector{"Rfc5802Section5", ScramHash::kSha1, "QSXCR+Q6sek8bf92",
                             "6dlGYMOdZcOPutkcNY8U2g7vK9Y=", "D+CSWLOshSulAsxiupA+qs2/fTE="},
                      Vector{"Rfc7677Section3", ScramHash::kSha256, "W22ZaJ0SNY7soEsUEjb6gQ==",
                             "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
                             "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="}),
    [](const auto& row) { return row.param.name; });

TEST(ScramKeys, AnEmptyPasswordOrSaltHasKeysOfItsOwn) {
  const ScramKeys both = derive_scram_keys(ScramHash::kSha256, "", "", 1);
  const ScramKeys salted = derive_scram_keys(ScramHash::kSha256, "", "salt", 1);
  EXPECT_EQ(both.stored_key.size(), 32u);
  EXPECT_NE(both.stored_key, salted.stored_key);
}

TEST(PasswordMatches, ThePasswordItself) {
  Credentials credentials;
  credentials.password = Secret("pencil");
  EXPECT_TRUE(password_matches(credentials, "pencil"));
  for (const char* wrong : {"", "pencil ", "penci", "Pencil", "pencim"}) {
    EXPECT_FALSE(password_matches(credentials, wrong)) << wrong;
  }
}

TEST(PasswordMatches, KeysOfEitherHash) {
  Credentials sha1;
  sha1.sha1 = derive_scram_keys(ScramHash::kSha1, "pencil", "salt", 10);
  EXPECT_TRUE(password_matches(sha1, "pencil"));
  EXPECT_FALSE(password_matches(sha1, "Pencil"));
  Credentials sha256;
  sha256.sha256 = derive_scram_keys(ScramHash::kSha256, "pencil", "salt", 10);
  EXPECT_TRUE(password_matches(sha256, "pencil"));
  EXPECT_FALSE(password_matches(sha256, "Pencil"));
}

TEST(PasswordMatches, NothingKnownMatchesNothing) {
  EXPECT_FALSE(password_matches({}, ""));
  Credentials hollow;
  hollow.sha1 = ScramKeys{};
  EXPECT_FALSE(password_matches(hollow, ""));
}

}  // namespace
}  // namespace impulse::aaa
