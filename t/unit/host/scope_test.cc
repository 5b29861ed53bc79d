// Tests of host/config/scope.cc, network.cc and pattern.cc: which value applies where.
#include "host/config/scope.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "host/config/network.h"
#include "host/config/pattern.h"
#include "t/unit/host/config_fixture.h"

namespace impulse::config {
namespace {

std::vector<std::string> names(const std::vector<const Node*>& nodes) {
  std::vector<std::string> out;
  for (const Node* node : nodes) out.push_back(node->name);
  return out;
}
using Names = std::vector<std::string>;

TEST(Network, ReadsAddressesAndPrefixes) {
  for (const char* right : {"192.0.2.7", "10.0.0.0/8", "0.0.0.0/0", "::1", "2001:db8::/32", "::/0",
                            "fe80::1%eth0", "::ffff:192.0.2.7"}) {
    EXPECT_TRUE(Network::parse(right)) << right;
  }
  for (const char* wrong : {"", "10", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129",
                            "[::1]", "localhost", "10.0.0.0/8/8", "*", "1.2.3.4 "}) {
    EXPECT_FALSE(Network::parse(wrong)) << wrong;
  }
}

TEST(Network, HoldsWhatItsPrefixCovers) {
  const auto holds = [](const char* outer, const char* inner) {
    return Network::parse(outer)->holds(*Network::parse(inner));
  };
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.255.255"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("10.1.2.3/8", "10.9.9.9"));  // bits behind the prefix do not count
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.200"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("10.0.0.0/8", "10.1.0.0/16"));
  EXPECT_FALSE(holds("10.1.0.0/16", "10.0.0.0/8"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  EXPECT_FALSE(holds("::/0", "10.0.0.1"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.0.0.1"));  // a dual socket reports IPv4 like this
  EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.0.0.1"));
}

TEST(MatchCidr, GivesTheMostSpecificNetworkFirst) {  // checklist 37
  const Generation g = generation_of(
      "im_listener { peer 10.0.0.0/8 {} peer 10.1.2.3 {} peer 0.0.0.0/0 {} peer 10.1.0.0/16 {} "
      "peer ::1 {} peer 10.2.0.0/16 {} listen 10.1.2.3 {} }");
  const Node& listener = *g.root->child("im_listener");
  EXPECT_EQ(names(match_cidr(listener, "peer", "10.1.2.3")),
            (Names{"10.1.2.3", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"}));
  EXPECT_EQ(names(match_cidr(listener, "peer", "::1")), Names{"::1"});  // checklist 41
  EXPECT_EQ(names(match_cidr(listener, "peer", "::2")), Names());
  EXPECT_EQ(names(match_cidr(listener, "peer", "")), Names());
  EXPECT_EQ(names(match_cidr(listener, "peer", "nonsense")), Names());
}

TEST(MatchCidr, AUnixSocketClientIsLoopback) {  // reference 2.5
  const Generation g = generation_of("im_listener { peer 127.0.0.1 {} }");
  EXPECT_EQ(names(match_cidr(*g.root->child("im_listener"), "peer", "/run/x.sock")),
            Names{"127.0.0.1"});
}

TEST(MatchCidr, OfTwoSpellingsOfANetworkTheLaterComesFirst) {
  const Generation g = generation_of("im_listener { peer 10.0.0.0/8 {} peer 10.9.9.9/8 {} }");
  EXPECT_EQ(names(match_cidr(*g.root->child("im_listener"), "peer", "10.0.0.1")),
            (Names{"10.9.9.9/8", "10.0.0.0/8"}));
}

TEST(MatchDomain, LiteralsInAnyCaseThenPatternsInOrderOfDeclaration) {  // checklist 32 to 35
  const Generation g = generation_of(
      "domain /example$/ {} domain \"A.Example\" {} domain /^a\\./ {} domain b.example {} "
      "domain /^b/ {} domain \"[IPv6:::1]\" {}");
  EXPECT_EQ(names(match_domain(*g.root, "domain", "a.EXAMPLE")),
            (Names{"A.Example", "/example$/", "/^a\\./"}));
  EXPECT_EQ(names(match_domain(*g.root, "domain", "x.example")), Names{"/example$/"});
  EXPECT_EQ(names(match_domain(*g.root, "domain", "[ipv6:::1]")), Names{"[IPv6:::1]"});
  EXPECT_EQ(names(match_domain(*g.root, "domain", "example.org")), Names());
  EXPECT_EQ(names(match_domain(*g.root, "host", "a.example")), Names());
}

TEST(MatchDomain, APatternIsASubstringMatchUnlessAnchored) {
  const Generation g = generation_of("domain /ahoo/ {} domain /^ahoo/ {} domain \"/#im#.+/\" {}");
  EXPECT_EQ(names(match_domain(*g.root, "domain", "yahoo.co.uk")), Names{"/ahoo/"});
  EXPECT_EQ(names(match_domain(*g.root, "domain", "#im#x")), Names{"/#im#.+/"});
}

TEST(Pattern, IsBetweenSlashes) {
  EXPECT_TRUE(Pattern::is_pattern("/a/"));
  for (const char* name : {"", "/", "//", "a", "/a", "a/", "/tmp/x"}) {
    EXPECT_FALSE(Pattern::is_pattern(name)) << name;
  }
}

TEST(Pattern, ThatCannotBeCompiledMatchesNothing) {
  const auto pattern = Pattern::make("/[a/");
  EXPECT_NE(pattern->error(), "");
  EXPECT_FALSE(pattern->matches("a"));
  EXPECT_EQ(Pattern::make("/a/")->error(), "");
  EXPECT_NE(Pattern::make("/" + std::string(5000, 'a') + "/")->error(), "");
}

TEST(Pattern, BoundsTheWorkAStrangersNameMakes) {
  const auto pattern = Pattern::make("/^(a+)+$/");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(pattern->matches(std::string(3000, 'a') + "!"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_TRUE(pattern->matches("aaaa"));
  EXPECT_FALSE(Pattern::make("/./")->matches("\xff\xfe"));
  // Deep recursion: more than the stack of the compiled form.
  EXPECT_FALSE(Pattern::make("/^(.|b)*c$/")->matches(std::string(100'000, 'x')));
}

TEST(Pattern, IsSharedByThreads) {
  const auto pattern = Pattern::make("/^a+b$/");
  std::atomic<int> matches = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) matches += pattern->matches("aab") ? 1 : 0;
        for (int n = 0; n < 1000; ++n) matches += pattern->matches("aac") ? 1000 : 0;
      });
    }
  }
  EXPECT_EQ(matches, 4000);
}

// Reference 2.3: Listen::Peer, listener::Peer, Listen, listener, root.
class ListenerChain : public testing::Test {
 protected:
  SocketOpts at(const std::string& text, const char* listen, const char* address) {
    const Generation g = generation_of(text);
    const Node* listener = g.root->child("im_listener");
    const Node* endpoint = listen == nullptr ? nullptr : listener->child("listen", listen);
    return resolve<SocketOpts>(socket_table(), listener_chain(*listener, endpoint, address));
  }
  static constexpr const char* kAll =
      "nagle = on im_listener { idle_time = 1 listen a { idle_time = 2 peer 10.0.0.0/8 { idle_time "
      "= 4 } peer 10.1.0.0/16 { idle_time = 5 } } listen b { idle_time = 6 } peer 10.0.0.0/8 { "
      "idle_time = 3 } peer 11.0.0.0/8 { } }";
};

TEST_F(ListenerChain, AsksFromTheMostSpecificScopeOutwards) {
  EXPECT_EQ(at(kAll, "a", "10.1.0.1").idle_time, Seconds{5});
  EXPECT_EQ(at(kAll, "a", "10.2.0.1").idle_time, Seconds{4});
  EXPECT_EQ(at(kAll, "b", "10.1.0.1").idle_time, Seconds{3});  // checklist 39: Peer before Listen
  EXPECT_EQ(at(kAll, "b", "192.0.2.1").idle_time, Seconds{6});
  EXPECT_EQ(at(kAll, "a", "192.0.2.1").idle_time, Seconds{2});
  EXPECT_EQ(at(kAll, "a", "11.0.0.1").idle_time, Seconds{2});  // its Peer sets nothing
  EXPECT_EQ(at(kAll, "a", "").idle_time, Seconds{2});
  EXPECT_EQ(at(kAll, nullptr, "192.0.2.1").idle_time, Seconds{1});
}

TEST_F(ListenerChain, FallsBackToTheGlobalScopeAndThenTheInitialiser) {
  EXPECT_TRUE(at(kAll, "a", "10.1.0.1").nagle);
  EXPECT_EQ(at(kAll, "a", "10.1.0.1").backlog, 500U);
}

TEST_F(ListenerChain, AWiderPeerFillsWhatTheSpecificOneLacks) {  // checklist 40
  const std::string text =
      "im_listener { nagle = off peer 10.0.0.0/8 { idle_time = 7 } peer 10.1.0.0/16 { nagle = on } "
      "}";
  EXPECT_EQ(at(text, nullptr, "10.1.0.1").idle_time, Seconds{7});
  EXPECT_TRUE(at(text, nullptr, "10.1.0.1").nagle);
}

TEST_F(ListenerChain, EmptyAndZeroAreSetNotUnset) {  // checklist 31
  EXPECT_EQ(at("im_listener { idle_time = 5 listen a { idle_time = 0 } }", "a", "").idle_time,
            Seconds{0});
}

TEST(Resolve, ReadsAnOptionOnlyWhereItMayStand) {
  // debug_level of the global scope is another option than that of the logger.
  const Generation g = generation_of("debug_level = CRITICAL logfile = x im_logger {}");
  const OptionTable table = make_table("im_logger", kLogRows);
  const auto opts = resolve<LogOpts>(table, {g.root->child("im_logger"), g.root.get()});
  EXPECT_EQ(opts.level, "ERROR");
  EXPECT_EQ(opts.logfile, "im.log");
}

TEST(Resolve, TakesEachOptionFromTheFirstDomainThatSetsIt) {  // checklist 33
  const Generation g = generation_of(
      "domain /example/ { role = client secret = wide } domain a.example { role = server }");
  const auto opts = resolve<RoleOpts>(role_table(), match_domain(*g.root, "domain", "a.example"));
  EXPECT_EQ(opts.role, "server");
  EXPECT_EQ(opts.secret, "wide");
}

TEST(Resolve, ReadsAStanzaOfTheHostOnlyWithinItsListener) {
  const Generation g = generation_of(
      "control_listener { listen a { file_mode = 0666 } } im_listener { listen a { file_mode = "
      "0600 } }");
  const Node* console = g.root->child("control_listener")->child("listen", "a");
  const Node* other = g.root->child("im_listener")->child("listen", "a");
  const OptionTable& table = control_listen_table();
  EXPECT_EQ(resolve<ControlListenOptions>(table, {console}).file_mode, Mode{0666});
  EXPECT_EQ(resolve<ControlListenOptions>(table, {other}).file_mode, Mode{0660});
}

TEST(Tree, FindsChildrenWithAndWithoutTheirDefaultName) {
  const Generation g = generation_of("im_logger {} script \"script\" {} script \"a\" {}");
  EXPECT_NE(g.root->child("im_logger"), nullptr);
  EXPECT_EQ(g.root->child("im_logger", "im_logger"), g.root->child("im_logger"));
  EXPECT_EQ(g.root->child("im_logger")->instance(), "im_logger");
  EXPECT_EQ(g.root->child("script"), g.root->child("script", "script"));
  EXPECT_EQ(g.root->child("script", "a")->instance(), "a");
  EXPECT_EQ(g.root->child("script", "A"), nullptr);
  EXPECT_EQ(g.root->all("script").size(), 2U);
}

}  // namespace
}  // namespace impulse::config
