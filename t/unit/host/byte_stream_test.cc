// Tests of host/net/byte_stream.cc over socket pairs.
#include "host/net/byte_stream.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <thread>

#include "t/unit/host/byte_stream_fixture.h"

namespace impulse::net {
namespace {

using std::chrono::milliseconds;
using test::pattern;
using test::read_exactly;
using test::Recorder;
using test::send_all;
using test::SocketPair;
using test::Story;

using Stream = test::StreamTest;

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
  const auto ms =
      (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
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

TEST(CloseReasons, HaveNames) {
  EXPECT_EQ(name_of(CloseReason::kPeer), "peer");
  EXPECT_EQ(name_of(CloseReason::kSlowReader), "slow_reader");
}

}  // namespace
}  // namespace impulse::net
