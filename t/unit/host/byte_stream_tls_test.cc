// Tests of host/net/byte_stream_tls.cc: the TLS half of a byte stream.
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "host/net/byte_stream.h"
#include "t/unit/host/byte_stream_fixture.h"

namespace impulse::net {
namespace {

using test::pattern;
using test::read_exactly;
using test::send_all;
using test::SocketPair;
using test::TlsClient;

using Stream = test::StreamTest;

TEST_F(Stream, StartTlsFlushesInPlainFirstAndEncryptsTheRest) {
  start();
  const auto context = make_context();
  reader_.react = [&](std::string_view bytes) {
    if (bytes != "<starttls/>") return;
    stream_->write("<proceed/>");
    stream_->start_tls(context);
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
  const auto context = make_context();
  reader_.react = [&](std::string_view) {
    stream_->write("<proceed/>");
    stream_->start_tls(context);
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
        if (n > 0)
          send_all(relay.ours.get(), std::string_view(buffer, static_cast<std::size_t>(n)));
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

}  // namespace
}  // namespace impulse::net
