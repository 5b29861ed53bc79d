// Tests of host/net/address.cc.
#include "host/net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <string>

namespace impulse::net {
namespace {

using namespace std::string_view_literals;

struct Valid {
  std::string_view listen;
  int family;
  std::string_view text;
  std::string_view host;
};

class ListenName : public ::testing::TestWithParam<Valid> {};

TEST_P(ListenName, IsUnderstood) {
  const auto address = Address::parse_listen(GetParam().listen);
  ASSERT_TRUE(address) << address.error().what;
  EXPECT_EQ(address->family(), GetParam().family);
  EXPECT_EQ(address->text(), GetParam().text);
  EXPECT_EQ(address->host(), GetParam().host);
  EXPECT_EQ(address->is_unix(), GetParam().family == AF_UNIX);
}

INSTANTIATE_TEST_SUITE_P(
    Reference, ListenName,
    ::testing::Values(Valid{"*:5222", AF_INET, "0.0.0.0:5222", "0.0.0.0"},
                      Valid{":5222", AF_INET, "0.0.0.0:5222", "0.0.0.0"},
                      Valid{"192.0.2.1:5222", AF_INET, "192.0.2.1:5222", "192.0.2.1"},
                      Valid{"127.0.0.1:0", AF_INET, "127.0.0.1:0", "127.0.0.1"},
                      Valid{"192.0.2.1:65535", AF_INET, "192.0.2.1:65535", "192.0.2.1"},
                      Valid{"[*]:5269", AF_INET6, "[::]:5269", "::"},
                      Valid{"[::]:5222", AF_INET6, "[::]:5222", "::"},
                      Valid{"[0:0:0:0:0:0:0:0]:5222", AF_INET6, "[::]:5222", "::"},
                      Valid{"[2001:DB8::1]:5222", AF_INET6, "[2001:db8::1]:5222", "2001:db8::1"},
                      Valid{"[::192.0.2.1]:5222", AF_INET6, "[::192.0.2.1]:5222", "::192.0.2.1"},
                      Valid{"[::C000:0201]:5222", AF_INET6, "[::192.0.2.1]:5222", "::192.0.2.1"},
                      Valid{"/run/x.sock", AF_UNIX, "/run/x.sock", "127.0.0.1"}));

struct Wrong {
  std::string_view listen;
  std::string_view says;
};

class WrongListenName : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongListenName, IsRefusedWithWhatWouldBeRight) {
  const auto address = Address::parse_listen(GetParam().listen);
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().code, ErrorCode::kInvalid);
  EXPECT_NE(address.error().what.find(GetParam().says), std::string::npos) << address.error().what;
}

INSTANTIATE_TEST_SUITE_P(
    Forms, WrongListenName,
    ::testing::Values(Wrong{"", "empty"}, Wrong{"5222", "no port"}, Wrong{"*:", "port"},
                      Wrong{"*:65536", "port"}, Wrong{"*:-1", "port"}, Wrong{"*:52x", "port"},
                      Wrong{"*: 5222", "port"}, Wrong{"*:000005222", "port"},
                      Wrong{"localhost:5222", "IPv4"}, Wrong{"192.0.2:5222", "IPv4"},
                      Wrong{"192.0.2.256:5222", "IPv4"}, Wrong{"192.0.2.1\0:5222"sv, "IPv4"},
                      Wrong{"2001:db8::1:5222", "brackets"}, Wrong{"[2001:db8::1]", "]:port"},
                      Wrong{"[2001:db8::1:5222", "]:port"}, Wrong{"[2001:db8::1]5222", "]:port"},
                      Wrong{"[1::2::3]:5222", "IPv6"}, Wrong{"[]:5222", "IPv6"},
                      Wrong{"[192.0.2.1]:5222", "IPv6"}, Wrong{"/a\0b"sv, "NUL"}));

TEST(ListenNameOfAUnixSocket, MayFillTheKernelsSpaceButNotMore) {
  const std::string longest = "/" + std::string(106, 'x');
  const auto address = Address::parse_listen(longest);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->text(), longest);
  EXPECT_FALSE(Address::parse_listen(longest + "x"));
}

TEST(Address, OfAnUnnamedUnixPeerHasAText) {
  sockaddr_un peer = {};
  peer.sun_family = AF_UNIX;
  const Address address(reinterpret_cast<const sockaddr*>(&peer), sizeof(sa_family_t));
  EXPECT_EQ(address.text(), "unix");
  EXPECT_EQ(address.host(), "127.0.0.1");
}

TEST(Address, ByDefaultIsNoneAndSaysSo) {
  const Address address;
  EXPECT_FALSE(address.is_unix());
  EXPECT_EQ(address.text(), "unknown");
  EXPECT_EQ(address.host(), "unknown");
}

}  // namespace
}  // namespace impulse::net
