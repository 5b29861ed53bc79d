// A byte stream under test: its loop, its peer and a reader that notes everything.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "host/net/byte_stream.h"
#include "t/unit/host/loop_fixture.h"
#include "t/unit/host/tls_fixture.h"

namespace impulse::test {

/// What happened to a stream, for the test's thread to wait for.
struct Story {
  std::string received;
  bool established = false;
  int drained = 0;
  std::optional<net::CloseReason> closed;
};

/// What a test wants done in a callback; it may set it while the loop runs.
template <class... Args>
class Reaction {
 public:
  template <class F>
  Reaction& operator=(F fn) {
    const std::lock_guard lock(mutex_);
    fn_ = std::make_shared<std::function<void(Args...)>>(std::move(fn));
    return *this;
  }
  void operator()(Args... args) {
    std::shared_ptr<std::function<void(Args...)>> fn;  // owners: the test and this call
    {
      const std::lock_guard lock(mutex_);
      fn = fn_;
    }
    if (fn != nullptr) (*fn)(args...);
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<std::function<void(Args...)>> fn_;
};

/// Notes everything; reacts as the test says.
class Recorder final : public net::ByteReader {
 public:
  void on_bytes(std::span<const char> bytes) override {
    const std::string_view view(bytes.data(), bytes.size());
    largest = std::max(largest, bytes.size());
    story.change([&](Story& s) { s.received += view; });
    react(view);
  }
  void on_tls_established() override {
    established();
    story.change([](Story& s) { s.established = true; });
  }
  void on_drained() override {
    story.change([](Story& s) { ++s.drained; });
    drained();
  }
  void on_closed(net::CloseReason reason) override {
    story.change([&](Story& s) {
      EXPECT_FALSE(s.closed) << "told twice";
      s.closed = reason;
    });
    closed();
  }

  bool wait_received(std::string_view text) {
    return story.wait_for([&](const Story& s) { return s.received == text; });
  }
  bool wait_received_bytes(std::size_t count) {
    return story.wait_for([&](const Story& s) { return s.received.size() >= count; });
  }
  bool wait_closed(net::CloseReason reason) {
    return story.wait_for([](const Story& s) { return s.closed.has_value(); }) &&
           story.get().closed == reason;
  }
  bool wait_established() {
    return story.wait_for([](const Story& s) { return s.established; });
  }

  Watched<Story> story;
  std::size_t largest = 0;
  Reaction<std::string_view> react;
  Reaction<> established;
  Reaction<> drained;
  Reaction<> closed;
};

/// Bytes in which a loss or an exchange shows.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::minstd_rand random(7);
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

/// A stream on a running loop, and the socket of its peer.
class StreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    stream_ = std::make_unique<net::ByteStream>(*loop_, std::move(sockets_.ours), net::Address());
  }
  void TearDown() override {
    loop_.call([&] { stream_.reset(); });
  }
  void start() {
    loop_.call([&] { stream_->start(reader_); });
  }
  void start_tls() {
    loop_.call([&] {
      stream_->start_tls(make_context());
      stream_->start(reader_);
    });
  }
  std::shared_ptr<const net::TlsContext> make_context() {
    certificate_.write_both(folder_.file("both.pem"));
    net::TlsOptions options;
    options.certificate = folder_.file("both.pem");
    auto context = net::TlsContext::make(options);
    EXPECT_TRUE(context) << context.error().what;
    return *context;
  }
  template <class F>
  auto on_loop(F fn) {
    return loop_.call(fn);
  }
  int peer() { return sockets_.peer.get(); }

  TemporaryFolder folder_;
  Certificate certificate_;
  SocketPair sockets_;
  Recorder reader_;
  RunningLoop loop_;
  std::unique_ptr<net::ByteStream> stream_;
};

}  // namespace impulse::test
