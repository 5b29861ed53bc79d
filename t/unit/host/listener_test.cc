// Tests of host/net/listener.cc on loopback and Unix sockets.
#include "host/net/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "host/base/log.h"
#include "t/unit/host/loop_fixture.h"
#include "t/unit/host/tls_fixture.h"

namespace impulse::net {
namespace {

using test::TemporaryFolder;
using test::Watched;

UniqueFd connect_to(const Address& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.raw(), address.length()) != 0) fd.reset();
  return fd;
}

int option_of(int fd, int level, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  ::getsockopt(fd, level, option, &value, &length);
  return value;
}

TEST(BoundSocket, ListensOnAFreePortAndSaysWhich) {
  const auto bound = BoundSocket::bind("127.0.0.1:0", {});
  ASSERT_TRUE(bound) << bound.error().what;
  EXPECT_NE(bound->address().text(), "127.0.0.1:0");
  EXPECT_EQ(bound->name(), "127.0.0.1:0");
  EXPECT_TRUE(connect_to(bound->address()));
}

TEST(BoundSocket, AnOccupiedPortIsAnErrorThatNamesIt) {
  const auto first = BoundSocket::bind("127.0.0.1:0", {});
  ASSERT_TRUE(first);
  const std::string name = first->address().text();
  const auto second = BoundSocket::bind(name, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find(name), std::string::npos);
  EXPECT_NE(second.error().what.find("another process listens there"), std::string::npos);
  EXPECT_FALSE(BoundSocket::bind("nonsense", {}));
}

TEST(BoundSocket, Ipv6AnyAddressLeavesIpv4Alone) {
  const auto four = BoundSocket::bind("*:0", {});
  ASSERT_TRUE(four);
  const std::string port = four->address().text().substr(four->address().text().rfind(':'));
  const auto six = BoundSocket::bind("[*]" + port, {});
  if (!six && six.error().what.find("cannot be opened") != std::string::npos) {
    GTEST_SKIP() << "no IPv6 here";
  }
  ASSERT_TRUE(six) << six.error().what;
  EXPECT_EQ(option_of(six->fd(), IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

TEST(BoundSocket, SetsItsOptionsForTheConnectionsToCome) {
  SocketOptions options;
  options.disable_nagle = true;
  options.receive_buffer = 30'000;
  options.send_buffer = 40'000;
  const auto bound = BoundSocket::bind("127.0.0.1:0", options);
  ASSERT_TRUE(bound);
  const UniqueFd client = connect_to(bound->address());
  UniqueFd accepted;
  while (!accepted) accepted.reset(::accept(bound->fd(), nullptr, nullptr));
  EXPECT_NE(option_of(accepted.get(), IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option_of(accepted.get(), SOL_SOCKET, SO_RCVBUF), 60'000);  // the kernel doubles it
  EXPECT_EQ(option_of(accepted.get(), SOL_SOCKET, SO_SNDBUF), 80'000);
}

class UnixSocket : public ::testing::Test {
 protected:
  bool exists() const { return ::access(path_.c_str(), F_OK) == 0; }
  TemporaryFolder folder_;
  std::string path_ = folder_.file("x.sock");
};

TEST_F(UnixSocket, HasItsModeAndGoesWithItsOwner) {
  SocketOptions options;
  options.file_mode = 0606;
  {
    auto bound = BoundSocket::bind(path_, options);
    ASSERT_TRUE(bound) << bound.error().what;
    struct stat status = {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0606U);
    const BoundSocket moved = std::move(*bound);
    EXPECT_TRUE(connect_to(moved.address()));
  }
  EXPECT_FALSE(exists());
}

TEST_F(UnixSocket, AStaleFileIsReplaced) {
  {
    const UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = Address::parse_listen(path_);
    ASSERT_TRUE(address);
    ASSERT_EQ(::bind(dead.get(), address->raw(), address->length()), 0);
  }
  ASSERT_TRUE(exists());
  const auto bound = BoundSocket::bind(path_, {});
  ASSERT_TRUE(bound) << bound.error().what;
  EXPECT_TRUE(connect_to(bound->address()));
}

TEST_F(UnixSocket, ALiveOneAndAnOrdinaryFileAreLeftAlone) {
  const auto live = BoundSocket::bind(path_, {});
  ASSERT_TRUE(live);
  const auto second = BoundSocket::bind(path_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kExists);
  EXPECT_NE(second.error().what.find("in use"), std::string::npos);
  EXPECT_TRUE(connect_to(live->address()));

  const std::string file = folder_.file("precious");
  std::ofstream(file) << "data";
  const auto third = BoundSocket::bind(file, {});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::kExists);
  EXPECT_EQ(::access(file.c_str(), F_OK), 0);
}

TEST_F(UnixSocket, AFileThatAnotherPutThereMeanwhileStays) {
  {
    const auto bound = BoundSocket::bind(path_, {});
    ASSERT_TRUE(bound);
    ASSERT_EQ(::rename(path_.c_str(), folder_.file("moved").c_str()), 0);
    std::ofstream(path_) << "somebody else's";
  }
  EXPECT_TRUE(exists());
}

// A group whose main loop runs on a thread of its own, so that the test may wait.
class Accepting : public ::testing::Test {
 protected:
  Accepting() : group_(3), main_([this] { group_.main().run(); }) { group_.start(); }
  ~Accepting() override {
    on_main([&] { listener_.reset(); });
    group_.main().stop();
    main_.join();
    group_.stop();
  }
  template <class F>
  void on_main(F fn) {
    Watched<bool> done;
    group_.main().post([&] {
      fn();
      done.change([](bool& d) { d = true; });
    });
    done.wait_for([](bool d) { return d; });
  }
  void listen(const std::string& name) {
    auto bound = BoundSocket::bind(name, {});
    ASSERT_TRUE(bound) << bound.error().what;
    address_ = bound->address();
    on_main([&] {
      listener_ = std::make_unique<Listener>(group_, std::move(*bound), handler("first"));
    });
  }
  AcceptHandler handler(const std::string& name) {
    return [this, name](event::Loop& loop, UniqueFd fd, Address peer) {
      EXPECT_TRUE(loop.is_here());
      EXPECT_NE(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0);
      EXPECT_NE(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, 0);
      EXPECT_TRUE(test::send_all(fd.get(), name));
      accepted_.change([&](Accepted& a) {
        ++a.count;
        ++a.by_loop[loop.index()];
        a.peer = peer;
      });
    };
  }

  struct Accepted {
    int count = 0;
    std::map<unsigned, int> by_loop;
    Address peer;
  };
  event::LoopGroup group_;
  std::thread main_;
  Address address_;
  std::unique_ptr<Listener> listener_;
  Watched<Accepted> accepted_;
};

TEST_F(Accepting, SpreadsConnectionsEvenlyOverTheLoops) {
  listen("127.0.0.1:0");
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 90; ++i) clients.push_back(connect_to(address_));
  ASSERT_TRUE(accepted_.wait_for([](const Accepted& a) { return a.count == 90; }));
  const Accepted all = accepted_.get();
  EXPECT_EQ(all.by_loop, (std::map<unsigned, int>{{0, 30}, {1, 30}, {2, 30}}));
  EXPECT_EQ(all.peer.host(), "127.0.0.1");
  EXPECT_EQ(test::read_exactly(clients[0].get(), 5), "first");
}

TEST_F(Accepting, UsesTheNewHandlerForNewConnections) {
  listen("127.0.0.1:0");
  const UniqueFd one = connect_to(address_);
  EXPECT_EQ(test::read_exactly(one.get(), 100), "first");
  on_main([&] { listener_->set_handler(handler("second")); });
  const UniqueFd two = connect_to(address_);
  EXPECT_EQ(test::read_exactly(two.get(), 100), "second");
}

TEST_F(Accepting, ClosesItsSocketAndLeavesConnectionsAlone) {
  listen("127.0.0.1:0");
  const UniqueFd before = connect_to(address_);
  EXPECT_EQ(test::read_exactly(before.get(), 5), "first");
  on_main([&] { listener_.reset(); });
  EXPECT_FALSE(connect_to(address_));
}

TEST_F(Accepting, TakesUnixConnectionsToo) {
  const TemporaryFolder folder;
  listen(folder.file("x.sock"));
  const UniqueFd client = connect_to(address_);
  EXPECT_EQ(test::read_exactly(client.get(), 5), "first");
  ASSERT_TRUE(accepted_.wait_for([](const Accepted& a) { return a.count == 1; }));
  EXPECT_EQ(accepted_.get().peer.host(), "127.0.0.1");
  on_main([&] { listener_.reset(); });
}

TEST_F(Accepting, WithoutDescriptorsItPausesLogsOnceAndGoesOn) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan needs descriptors itself to look at objects";
#endif
  const TemporaryFolder folder;
  ASSERT_TRUE(log::open_file(folder.file("log")));
  listen("127.0.0.1:0");
  const UniqueFd warm_up = connect_to(address_);
  ASSERT_TRUE(accepted_.wait_for([](const Accepted& a) { return a.count == 1; }));
  UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Nothing new may be opened while the limit is where we are.
  rlimit normal = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &normal), 0);
  rlimit tight = normal;
  tight.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  EXPECT_EQ(::connect(client.get(), address_.raw(), address_.length()), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(350));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &normal), 0);
  EXPECT_TRUE(accepted_.wait_for([](const Accepted& a) { return a.count == 2; }));
  ASSERT_TRUE(log::open_file(""));
  std::ifstream in(folder.file("log"));
  std::ostringstream text;
  text << in.rdbuf();
  const std::size_t first = text.str().find(" ERROR net accept_paused listen=127.0.0.1:0 ");
  EXPECT_NE(first, std::string::npos) << text.str();
  EXPECT_EQ(text.str().find("accept_paused", first + 30), std::string::npos) << text.str();
}

TEST(ListenerSet, KnowsWhatListens) {
  event::LoopGroup group(1);
  auto bound = BoundSocket::bind("127.0.0.1:0", {});
  ASSERT_TRUE(bound);
  Listener listener(group, std::move(*bound), [](event::Loop&, UniqueFd, Address) {});
  EXPECT_EQ(listener.name(), "127.0.0.1:0");
  EXPECT_EQ(listener.options(), SocketOptions());
  ListenerSet set;
  set.add(&listener);
  EXPECT_EQ(set.all(), std::vector<Listener*>{&listener});
  set.remove(&listener);
  EXPECT_TRUE(set.all().empty());
}

}  // namespace
}  // namespace impulse::net
