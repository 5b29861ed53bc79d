// Tests of ByteStream::detach and attach: streams that move between running loops.
#include <openssl/ssl.h>

#include "host/net/byte_stream.h"
#include "t/unit/host/byte_stream_fixture.h"

namespace impulse::net {
namespace {

using test::pattern;
using test::read_exactly;
using test::RunningLoop;
using test::send_all;
using test::SocketPair;
using test::TlsClient;
using test::Watched;

// Moves its stream to the other loop again and again while bytes arrive and echoes them.
class Wanderer final : public ByteReader {
 public:
  Wanderer(RunningLoop& one, RunningLoop& two) : loops_{&*one, &*two} {}

  void on_bytes(std::span<const char> bytes) override {
    EXPECT_EQ(event::Loop::current(), loops_[at_]) << "bytes only arrive at home";
    received_ += bytes.size();
    stream->write({bytes.data(), bytes.size()});
    total.change([&](std::size_t& t) { t = received_; });
    if (++calls_ % 3 == 0) move();
  }
  void on_closed(CloseReason) override {
    loops_[at_]->destroy_later(std::move(stream));
    closed.change([](bool& c) { c = true; });
  }
  void move() {
    stream->detach();
    at_ = 1 - at_;
    ++moves;
    loops_[at_]->post([this] { stream->attach(*loops_[at_], *this); });
  }

  std::unique_ptr<ByteStream> stream;
  Watched<std::size_t> total;
  Watched<bool> closed;
  int moves = 0;

 private:
  event::Loop* loops_[2];
  std::size_t received_ = 0;
  int at_ = 0;
  int calls_ = 0;
};

class Moving : public test::StreamTest {
 protected:
  void TearDown() override {}
  // Sends `text` in small pieces through `write` while `read` takes the echo.
  void wander(const std::string& text, const std::function<bool(std::string_view)>& write,
              const std::function<std::string(std::size_t)>& read, Wanderer& wanderer) {
    std::size_t sent = 0;
    for (std::size_t piece = 1; sent < text.size(); piece = piece * 7 % 3001 + 1) {
      const std::string_view part = std::string_view(text).substr(sent, piece);
      ASSERT_TRUE(write(part));
      sent += part.size();
      if (piece % 5 == 0 || sent == text.size()) {
        const std::size_t missing = sent - read_;
        ASSERT_TRUE(read(missing) == text.substr(read_, missing));
        read_ = sent;
      }
    }
    EXPECT_TRUE(wanderer.total.wait_for([&](std::size_t t) { return t == text.size(); }));
    EXPECT_GT(wanderer.moves, 20);
  }
  std::size_t read_ = 0;
  RunningLoop second_{1};
};

TEST_F(Moving, BetweenRunningLoopsWhilePlainBytesArriveLosesNothing) {
  Wanderer wanderer(loop_, second_);
  wanderer.stream = std::move(stream_);
  on_loop([&] { wanderer.stream->start(wanderer); });
  wander(
      pattern(400'000), [&](std::string_view part) { return send_all(peer(), part); },
      [&](std::size_t size) { return read_exactly(peer(), size); }, wanderer);
  sockets_.peer.reset();
  EXPECT_TRUE(wanderer.closed.wait_for([](bool c) { return c; }));
  loop_.settle();
  second_.settle();
}

TEST_F(Moving, BetweenRunningLoopsWhileTlsBytesArriveLosesNothing) {
  const auto context = make_context();
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SocketPair sockets;
    Wanderer wanderer(loop_, second_);
    wanderer.stream = std::make_unique<ByteStream>(*loop_, std::move(sockets.ours), Address());
    on_loop([&] {
      wanderer.stream->start_tls(context);
      wanderer.stream->start(wanderer);
    });
    TlsClient client(version);
    ASSERT_TRUE(client.connect(sockets.peer.get()));
    read_ = 0;
    wander(
        pattern(400'000), [&](std::string_view part) { return client.write(part); },
        [&](std::size_t size) { return client.read(size); }, wanderer);
    sockets.peer.reset();
    EXPECT_TRUE(wanderer.closed.wait_for([](bool c) { return c; }));
    loop_.settle();
    second_.settle();
  }
}

TEST_F(Moving, AManyRecordBurstThatWasHalfReadIsReadAtTheNewHome) {
  start_tls();
  TlsClient client;
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(reader_.wait_established());
  bool moved = false;
  reader_.react = [&](std::string_view) {
    if (std::exchange(moved, true)) return;
    stream_->detach();
    second_->post([&] { stream_->attach(*second_, reader_); });
  };
  on_loop([&] {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.write("abc"));
  });
  EXPECT_TRUE(reader_.wait_received_bytes(600));
  second_.call([&] { stream_.reset(); });
  EXPECT_TRUE(moved);
}

TEST_F(Moving, OutputAndClosingTravelAlong) {
  start();
  on_loop([&] {
    stream_->write("written on the old loop");
    stream_->close_after_flush();
    stream_->detach();
  });
  second_.call([&] { stream_->attach(*second_, reader_); });
  EXPECT_EQ(read_exactly(peer(), 100), "written on the old loop");
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
  second_.call([&] { stream_.reset(); });
}

TEST_F(Moving, AStreamClosedOnTheWayIsToldAtTheNewHome) {
  start();
  on_loop([&] {
    stream_->close_now(CloseReason::kSlowReader);
    stream_->detach();
  });
  loop_.settle();
  EXPECT_FALSE(reader_.story.get().closed);
  second_.call([&] { stream_->attach(*second_, reader_); });
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kSlowReader));
  second_.call([&] { stream_.reset(); });
}

}  // namespace
}  // namespace impulse::net
