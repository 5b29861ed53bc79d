// Tests of host/net/byte_stream.cc and byte_stream_tls.cc over socket pairs.
#include "host/net/byte_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "t/unit/host/loop_fixture.h"
#include "t/unit/host/tls_fixture.h"

namespace impulse::net {
namespace {

using std::chrono::milliseconds;
using test::Certificate;
using test::read_exactly;
using test::RunningLoop;
using test::send_all;
using test::SocketPair;
using test::TemporaryFolder;
using test::TlsClient;
using test::Watched;

// What happened to a stream, for the test's thread to wait for.
struct Story {
  std::string received;
  bool established = false;
  int drained = 0;
  std::optional<CloseReason> closed;
};

// Notes everything; reacts as the test says.
class Recorder final : public ByteReader {
 public:
  void on_bytes(std::span<const char> bytes) override {
    const std::string_view view(bytes.data(), bytes.size());
    largest = std::max(largest, bytes.size());
    story.change([&](Story& s) { s.received += view; });
    if (react) react(view);
  }
  void on_tls_established() override {
    if (established) established();
    story.change([](Story& s) { s.established = true; });
  }
  void on_drained() override {
    story.change([](Story& s) { ++s.drained; });
    if (drained) drained();
  }
  void on_closed(CloseReason reason) override {
    story.change([&](Story& s) {
      EXPECT_FALSE(s.closed) << "told twice";
      s.closed = reason;
    });
    if (closed) closed();
  }

  bool wait_received(std::string_view text) {
    return story.wait_for([&](const Story& s) { return s.received == text; });
  }
  bool wait_received_bytes(std::size_t count) {
    return story.wait_for([&](const Story& s) { return s.received.size() >= count; });
  }
  bool wait_closed(CloseReason reason) {
    return story.wait_for([](const Story& s) { return s.closed.has_value(); }) &&
           story.get().closed == reason;
  }
  bool wait_established() {
    return story.wait_for([](const Story& s) { return s.established; });
  }

  Watched<Story> story;
  std::size_t largest = 0;
  std::function<void(std::string_view)> react;
  std::function<void()> established;
  std::function<void()> drained;
  std::function<void()> closed;
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::minstd_rand random(7);
  for (char& c : text) c = static_cast<char>('a' + random() % 26);
  return text;
}

class Stream : public ::testing::Test {
 protected:
  void SetUp() override {
    stream_ = std::make_unique<ByteStream>(*loop_, std::move(sockets_.ours), Address());
  }
  void TearDown() override {
    loop_.call([&] { stream_.reset(); });
  }
  void start() {
    loop_.call([&] { stream_->start(reader_); });
  }
  void start_tls() {
    certificate_.write_both(folder_.file("both.pem"));
    TlsOptions options;
    options.certificate = folder_.file("both.pem");
    auto context = TlsContext::make(options);
    ASSERT_TRUE(context) << context.error().what;
    context_ = *context;
    loop_.call([&] {
      stream_->start_tls(context_);
      stream_->start(reader_);
    });
  }
  template <class F>
  auto on_loop(F fn) {
    return loop_.call(fn);
  }
  int peer() { return sockets_.peer.get(); }

  TemporaryFolder folder_;
  Certificate certificate_;
  std::shared_ptr<const TlsContext> context_;
  SocketPair sockets_;
  Recorder reader_;
  RunningLoop loop_;
  std::unique_ptr<ByteStream> stream_;
};

TEST_F(Stream, DeliversWhatThePeerSends) {
  start();
  ASSERT_TRUE(send_all(peer(), "hello"));
  EXPECT_TRUE(reader_.wait_received("hello"));
  on_loop([&] {
    EXPECT_EQ(stream_->bytes_read(), 5U);
    EXPECT_GT(stream_->last_read_ms(), 0U);
  });
}

TEST_F(Stream, IsSilentUntilStarted) {
  ASSERT_TRUE(send_all(peer(), "early"));
  loop_.settle();
  EXPECT_EQ(reader_.story.get().received, "");
  start();
  EXPECT_TRUE(reader_.wait_received("early"));
}

TEST_F(Stream, WritesEverythingOfATurnAtOnceAtItsEnd) {
  start();
  on_loop([&] {
    stream_->write("one ");
    stream_->output() += "two ";
    stream_->touch();
    stream_->write("three");
    int waiting = 0;
    EXPECT_EQ(::ioctl(peer(), FIONREAD, &waiting), 0);
    EXPECT_EQ(waiting, 0);
    EXPECT_EQ(stream_->output_bytes(), 13U);
  });
  EXPECT_EQ(read_exactly(peer(), 13), "one two three");
  EXPECT_TRUE(reader_.story.wait_for([](const Story& s) { return s.drained == 1; }));
  on_loop([&] { EXPECT_EQ(stream_->bytes_written(), 13U); });
}

TEST_F(Stream, HoldsNoOutputBufferWhileIdle) {
  start();
  on_loop([&] { stream_->write(pattern(5000)); });
  EXPECT_EQ(read_exactly(peer(), 5000), pattern(5000));
  loop_.settle();
  on_loop([&] {
    const std::string& output = stream_->output();  // takes the loop's spare string back
    EXPECT_GE(output.capacity(), 5000U);
    EXPECT_TRUE(output.empty());
  });
}

TEST_F(Stream, DeliversInPiecesOfAtMost16KiBSoThatOthersHaveTheirTurn) {
  start();
  SocketPair others;
  Recorder other_reader;
  auto other = std::make_unique<ByteStream>(*loop_, std::move(others.ours), Address());
  on_loop([&] { other->start(other_reader); });
  const std::string flood = pattern(3'000'000);
  std::thread flooder([&] { EXPECT_TRUE(send_all(peer(), flood)); });
  ASSERT_TRUE(send_all(others.peer.get(), "bystander"));
  EXPECT_TRUE(other_reader.wait_received("bystander"));
  EXPECT_TRUE(reader_.wait_received_bytes(flood.size()));
  flooder.join();
  EXPECT_TRUE(reader_.story.get().received == flood);
  EXPECT_LE(reader_.largest, 16U * 1024);
  on_loop([&] { other.reset(); });
}

TEST_F(Stream, WritesALotToAPeerThatReadsInItsOwnTime) {
  start();
  const std::string text = pattern(3'500'000);
  on_loop([&] { stream_->write(text); });
  EXPECT_TRUE(read_exactly(peer(), text.size()) == text);
  EXPECT_TRUE(reader_.story.wait_for([](const Story& s) { return s.drained == 1; }));
}

TEST_F(Stream, AReaderThatDoesNotReadIsClosedAsSlow) {
  start();
  on_loop([&] { stream_->set_output_limit(100'000); });
  on_loop([&] { stream_->write(pattern(2'000'000)); });
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kSlowReader));
  on_loop([&] {
    EXPECT_TRUE(stream_->is_closed());
    stream_->write("more");
    EXPECT_EQ(stream_->output_bytes(), 0U);
  });
}

TEST_F(Stream, AReaderThatFallsBehindLittleByLittleIsClosedAsSlow) {
  start();
  on_loop([&] { stream_->set_output_limit(100'000); });
  const std::string piece = pattern(50'000);
  for (int i = 0; i < 1000 && !reader_.story.get().closed; ++i) {
    on_loop([&] {
      stream_->write(piece);
      EXPECT_LE(stream_->output_bytes(), 200'000U);
    });
  }
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kSlowReader));
}

TEST_F(Stream, PauseStopsReadingAndResumeContinues) {
  start();
  reader_.react = [&](std::string_view) { stream_->pause(); };
  ASSERT_TRUE(send_all(peer(), "one"));
  EXPECT_TRUE(reader_.wait_received("one"));
  ASSERT_TRUE(send_all(peer(), "two"));
  for (int i = 0; i < 20; ++i) loop_.settle();
  EXPECT_EQ(reader_.story.get().received, "one");
  on_loop([&] { stream_->write("still writes"); });
  EXPECT_EQ(read_exactly(peer(), 12), "still writes");
  on_loop([&] { stream_->resume(); });
  EXPECT_TRUE(reader_.wait_received("onetwo"));
}

TEST_F(Stream, APausedStreamDoesNotSpinOnBytesThatWait) {
  start();
  on_loop([&] { stream_->pause(); });
  ASSERT_TRUE(send_all(peer(), "x"));
  loop_.settle();
  timespec before = {};
  timespec after = {};
  on_loop([&] { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before); });
  std::this_thread::sleep_for(milliseconds(200));
  on_loop([&] { clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after); });
  const auto ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
  EXPECT_LT(ms, 100);
  EXPECT_EQ(reader_.story.get().received, "");
}

TEST_F(Stream, ThePeersEndIsToldAfterItsLastBytes) {
  start();
  ASSERT_TRUE(send_all(peer(), "last words"));
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kPeer));
  EXPECT_EQ(reader_.story.get().received, "last words");
}

TEST_F(Stream, LastWordsAreReadEvenWhenWritingFailedFirst) {
  start();
  on_loop([&] {
    // In one turn, before anything can be read: the peer speaks, leaves, and we write.
    EXPECT_TRUE(send_all(peer(), "last words"));
    sockets_.peer.reset();
    stream_->write("to nobody");
  });
  EXPECT_TRUE(reader_.story.wait_for([](const Story& s) { return s.closed.has_value(); }));
  EXPECT_EQ(reader_.story.get().received, "last words");
}

TEST_F(Stream, APeerThatShutDownItsDirectionStillGetsTheAnswerOfThatTurn) {
  start();
  reader_.react = [&](std::string_view) { stream_->write("answer"); };
  ASSERT_TRUE(send_all(peer(), "question"));
  ::shutdown(peer(), SHUT_WR);
  EXPECT_EQ(read_exactly(peer(), 100), "answer");
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kPeer));
}

TEST_F(Stream, CloseAfterFlushDeliversAllThenEnds) {
  start();
  const std::string text = pattern(3'000'000);
  ASSERT_TRUE(send_all(peer(), "unread by the stream at first"));
  on_loop([&] {
    stream_->write(text);
    stream_->close_after_flush();
    stream_->write("too late");
    stream_->output() += "too late";
    stream_->touch();
  });
  EXPECT_TRUE(read_exactly(peer(), text.size() + 100) == text);
  EXPECT_FALSE(reader_.story.get().closed) << "it waits for the peer's end";
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
}

TEST_F(Stream, CloseAfterFlushInsideTheReaderStopsDelivery) {
  start();
  reader_.react = [&](std::string_view) {
    stream_->write("bye");
    stream_->close_after_flush();
  };
  ASSERT_TRUE(send_all(peer(), "one"));
  EXPECT_EQ(read_exactly(peer(), 100), "bye");
  ASSERT_TRUE(send_all(peer(), "two"));
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
  EXPECT_EQ(reader_.story.get().received, "one");
}

TEST_F(Stream, CloseAfterFlushEndsAfterFiveSecondsWithAPeerThatNeverReads) {
  start();
  const auto begin = std::chrono::steady_clock::now();
  on_loop([&] {
    stream_->write(pattern(3'000'000));
    stream_->close_after_flush();
  });
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GT(took, milliseconds(4500));
  EXPECT_LT(took, milliseconds(9000));
}

TEST_F(Stream, CloseNowInsideTheReaderIsToldOnceAndLater) {
  start();
  bool told_inside = true;
  reader_.react = [&](std::string_view) {
    stream_->close_now();
    stream_->close_now(CloseReason::kError);
    told_inside = reader_.story.get().closed.has_value();
    EXPECT_TRUE(stream_->is_closed());
  };
  ASSERT_TRUE(send_all(peer(), "x"));
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
  EXPECT_FALSE(told_inside);
  EXPECT_EQ(read_exactly(peer(), 1), "");
}

TEST_F(Stream, MayBeDestroyedFromItsOwnCallbacks) {
  start();
  reader_.closed = [&] { loop_->destroy_later(std::move(stream_)); };
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kPeer));
  loop_.settle();
  EXPECT_EQ(stream_, nullptr);

  SocketPair again;
  Recorder reader;
  auto stream = std::make_unique<ByteStream>(*loop_, std::move(again.ours), Address());
  reader.react = [&](std::string_view) {
    stream->write("never leaves");
    loop_->destroy_later(std::move(stream));
  };
  on_loop([&] { stream->start(reader); });
  ASSERT_TRUE(send_all(again.peer.get(), "x"));
  EXPECT_TRUE(reader.wait_received("x"));
  loop_.settle();
  EXPECT_EQ(stream, nullptr);
  EXPECT_FALSE(reader.story.get().closed);
}

TEST_F(Stream, AReaderMayWriteMoreWheneverAllHasLeft) {
  start();
  reader_.drained = [this, left = 50]() mutable {
    if (left-- > 0) stream_->write(pattern(10'000));
  };
  on_loop([&] { stream_->write("go"); });
  EXPECT_EQ(read_exactly(peer(), 500'002).size(), 500'002U);
}

TEST_F(Stream, ALaterStartReplacesTheReader) {
  start();
  Recorder second;
  on_loop([&] { stream_->start(second); });
  ASSERT_TRUE(send_all(peer(), "for the second"));
  EXPECT_TRUE(second.wait_received("for the second"));
  EXPECT_EQ(reader_.story.get().received, "");
  on_loop([&] { stream_.reset(); });
}

TEST_F(Stream, StartTlsFlushesInPlainFirstAndEncryptsTheRest) {
  start();
  certificate_.write_both(folder_.file("both.pem"));
  TlsOptions options;
  options.certificate = folder_.file("both.pem");
  const auto context = TlsContext::make(options);
  ASSERT_TRUE(context);
  reader_.react = [&](std::string_view bytes) {
    if (bytes != "<starttls/>") return;
    stream_->write("<proceed/>");
    stream_->start_tls(*context);
    stream_->write("secret");  // must not leave before the handshake
  };
  ASSERT_TRUE(send_all(peer(), "<starttls/>"));
  ASSERT_EQ(read_exactly(peer(), 10), "<proceed/>");
  pollfd more = {peer(), POLLIN, 0};
  EXPECT_EQ(::poll(&more, 1, 50), 0) << "nothing follows in plain";
  TlsClient client;
  ASSERT_TRUE(client.connect(peer()));
  EXPECT_EQ(client.read(6), "secret");
  EXPECT_TRUE(reader_.wait_established());
  ASSERT_TRUE(client.write("hello"));
  EXPECT_TRUE(reader_.wait_received("<starttls/>hello"));
}

TEST_F(Stream, PlainBytesBehindStartTlsAreNeverDelivered) {  // CVE-2011-0411
  start();
  certificate_.write_both(folder_.file("both.pem"));
  TlsOptions options;
  options.certificate = folder_.file("both.pem");
  const auto context = TlsContext::make(options);
  ASSERT_TRUE(context);
  reader_.react = [&](std::string_view) {
    stream_->write("<proceed/>");
    stream_->start_tls(*context);
    // More plain bytes arrive before the handshake, and even before the end of this turn.
    EXPECT_TRUE(send_all(peer(), "<message>injected</message>"));
  };
  ASSERT_TRUE(send_all(peer(), "<starttls/>"));
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kTls));
  EXPECT_EQ(reader_.story.get().received, "<starttls/>");
  EXPECT_FALSE(reader_.story.get().established);
}

TEST_F(Stream, APeerThatLeavesDuringTheHandshakeIsToldAsSuch) {
  start_tls();
  ASSERT_TRUE(send_all(peer(), std::string_view("\x16\x03\x01\x02", 4)));
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kPeer));
}

class TlsStream : public Stream, public ::testing::WithParamInterface<int> {};

std::string exporter_of(SSL* ssl) {
  std::string out(32, '\0');
  const unsigned char nothing = 0;
  EXPECT_EQ(SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(out.data()), 32,
                                       "EXPORTER-Channel-Binding", 24, &nothing, 0, 1),
            1);
  return out;
}

TEST_P(TlsStream, EchoesWithEqualChannelBindingsOnBothSides) {
  start_tls();
  reader_.react = [&](std::string_view bytes) { stream_->write(bytes); };
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  EXPECT_EQ(SSL_version(client.ssl()), GetParam());
  const std::string text = pattern(200'000);
  ASSERT_TRUE(client.write("x"));
  EXPECT_EQ(client.read(1), "x");
  for (std::size_t at = 0; at < text.size(); at += 20'000) {
    ASSERT_TRUE(client.write(std::string_view(text).substr(at, 20'000)));
    ASSERT_TRUE(client.read(20'000) == text.substr(at, 20'000));
  }
  on_loop([&] {
    EXPECT_TRUE(stream_->is_tls());
    EXPECT_EQ(channel_binding_exporter(stream_->tls()), exporter_of(client.ssl()));
    EXPECT_EQ(stream_->bytes_read(), 200'001U);
    EXPECT_EQ(stream_->bytes_written(), 200'001U);
  });
}

TEST_P(TlsStream, BytesThatComeWithTheHandshakesEndAreNotForgotten) {
  start_tls();
  // The client's last flight and its first words in one piece: the stream must look inside
  // OpenSSL, for the socket tells nothing more.
  TlsClient client(GetParam());
  SocketPair relay;
  std::atomic<bool> done{false};
  std::thread pump([&] {
    // From the server at once; from the client only when it has paused, so that its pieces join.
    ::fcntl(relay.ours.get(), F_SETFL, O_NONBLOCK);
    std::string held;
    while (!done) {
      pollfd both[] = {{relay.ours.get(), POLLIN, 0}, {peer(), POLLIN, 0}};
      const int ready = ::poll(both, 2, 30);
      char buffer[20'000];
      if (ready == 0 && !held.empty()) {
        EXPECT_TRUE(send_all(peer(), held));
        held.clear();
      }
      if ((both[0].revents & POLLIN) != 0) {
        const ssize_t n = ::recv(relay.ours.get(), buffer, sizeof buffer, 0);
        if (n > 0) held.append(buffer, static_cast<std::size_t>(n));
      }
      if ((both[1].revents & POLLIN) != 0) {
        const ssize_t n = ::recv(peer(), buffer, sizeof buffer, 0);
        if (n > 0) send_all(relay.ours.get(), std::string_view(buffer, static_cast<std::size_t>(n)));
      }
    }
  });
  EXPECT_TRUE(client.connect(relay.peer.get()));
  EXPECT_TRUE(client.write("first words"));
  EXPECT_TRUE(reader_.wait_received("first words"));
  done = true;
  pump.join();
}

TEST_P(TlsStream, ManySmallRecordsInOnePieceAllArrive) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  on_loop([&] {
    // As many as a Unix socket holds; more than are read in one turn.
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.write("abc"));
  });
  EXPECT_TRUE(reader_.wait_received_bytes(600));
  EXPECT_EQ(reader_.story.get().received.size(), 600U);
}

TEST_P(TlsStream, PausedBytesInsideOpensslComeAfterResume) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  reader_.react = [&](std::string_view) { stream_->pause(); };
  on_loop([&] {
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(client.write("abc"));
  });
  ASSERT_TRUE(reader_.wait_received_bytes(3));
  loop_.settle();
  EXPECT_LT(reader_.story.get().received.size(), 600U);
  for (int i = 0; i < 100 && reader_.story.get().received.size() < 600; ++i) {
    on_loop([&] { stream_->resume(); });
    loop_.settle();
  }
  EXPECT_EQ(reader_.story.get().received.size(), 600U);
}

TEST_P(TlsStream, FloodsBothWaysKeepEveryByte) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(reader_.wait_established());
  const std::string text = pattern(2'000'000);
  on_loop([&] { stream_->write(text); });
  EXPECT_TRUE(client.read(text.size()) == text);
  ASSERT_TRUE(client.write(text));
  EXPECT_TRUE(reader_.wait_received_bytes(text.size()));
  EXPECT_TRUE(reader_.story.get().received == text);
  EXPECT_LE(reader_.largest, 16U * 1024);
}

TEST_P(TlsStream, CloseAfterFlushDeliversAllThenSaysCloseNotify) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(reader_.wait_established());
  const std::string text = pattern(1'000'000);
  on_loop([&] {
    stream_->write(text);
    stream_->close_after_flush();
  });
  EXPECT_TRUE(client.read(text.size()) == text);
  EXPECT_TRUE(client.at_close_notify());
  sockets_.peer.reset();
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kLocal));
}

TEST_P(TlsStream, TheClientsCloseNotifyIsItsEnd) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(client.write("bye"));
  SSL_shutdown(client.ssl());
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kPeer));
  EXPECT_EQ(reader_.story.get().received, "bye");
}

TEST_P(TlsStream, GarbageInsteadOfARecordClosesAsTls) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(reader_.wait_established());
  ASSERT_TRUE(send_all(peer(), "this is no TLS record at all"));
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kTls));
  EXPECT_EQ(reader_.story.get().received, "");
}

TEST_P(TlsStream, ASlowReaderIsClosed) {
  start_tls();
  TlsClient client(GetParam());
  ASSERT_TRUE(client.connect(peer()));
  ASSERT_TRUE(reader_.wait_established());
  on_loop([&] {
    stream_->set_output_limit(100'000);
    stream_->write(pattern(3'000'000));
  });
  EXPECT_TRUE(reader_.wait_closed(CloseReason::kSlowReader));
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsStream, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

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

class Moving : public Stream {
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
  certificate_.write_both(folder_.file("both.pem"));
  TlsOptions options;
  options.certificate = folder_.file("both.pem");
  const auto context = TlsContext::make(options);
  ASSERT_TRUE(context);
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    SocketPair sockets;
    Wanderer wanderer(loop_, second_);
    wanderer.stream = std::make_unique<ByteStream>(*loop_, std::move(sockets.ours), Address());
    on_loop([&] {
      wanderer.stream->start_tls(*context);
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

TEST(CloseReasons, HaveNames) {
  EXPECT_EQ(name_of(CloseReason::kPeer), "peer");
  EXPECT_EQ(name_of(CloseReason::kSlowReader), "slow_reader");
}

}  // namespace
}  // namespace impulse::net
