// Bytes in and out of one connection, bounded both ways, plain or TLS.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "host/base/owned.h"
#include "host/event/loop.h"
#include "host/net/address.h"
#include "host/net/tls.h"

namespace impulse::net {

/// Why a connection ended.
enum class CloseReason : std::uint8_t {
  kPeer,        ///< the peer closed
  kLocal,       ///< we closed
  kError,       ///< read or write failed
  kTls,         ///< handshake or record failure
  kSlowReader,  ///< more output waited than the bound allows
};
std::string_view name_of(CloseReason reason);

/// Who is told what happens on a ByteStream. Called on the stream's loop.
class ByteReader {
 public:
  /// Bytes arrived. The view ends with the call; what is not consumed must be kept by the reader.
  virtual void on_bytes(std::span<const char> bytes) = 0;
  /// The TLS handshake is done.
  virtual void on_tls_established() {}
  /// The peer sends no more, but may still read. True: the reader has something left to say and
  /// closes by itself; false: the stream is closed now, with kPeer.
  virtual bool on_end() { return false; }
  /// All output has been written to the socket.
  virtual void on_drained() {}
  /// The connection is gone; nothing is called after this. The reader may destroy the ByteStream
  /// only by Loop::destroy_later.
  virtual void on_closed(CloseReason reason) = 0;

 protected:
  ~ByteReader() = default;
};

/// One connected socket. Home: belongs to one loop at a time; detach() and attach() move it.
///
/// Output is collected while a turn lasts and written once at its end. Reading takes at most
/// 16 KiB at a time, so that one flooding peer cannot starve the others. An idle connection holds
/// no buffers. The reader may call anything here from within its callbacks.
class ByteStream final : private event::EndOfTurn {
 public:
  /// Takes over a connected, non-blocking socket; silent until start().
  ByteStream(event::Loop& loop, UniqueFd socket, Address peer);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  /// Begins to read; `reader` must outlive the stream or be replaced by a later start().
  void start(ByteReader& reader);

  /// Queues bytes; they leave at the end of this turn. Past `output_limit` bytes that the peer
  /// does not take, the stream is closed with kSlowReader. No effect once closed or closing.
  void write(std::string_view bytes);
  /// The output of this turn, to append to directly (no copy); call touch() after appending.
  std::string& output() {
    if (output_.capacity() < kReusable) take_spare();
    return output_;
  }
  void touch();
  std::size_t output_bytes() const { return output_.size() - written_; }
  void set_output_limit(std::size_t bytes) { output_limit_ = bytes; }

  /// Stops and resumes reading (back-pressure).
  void pause() { paused_ = true; }
  void resume();
  bool is_paused() const { return paused_; }

  /// Writes what is queued, then starts the server side of TLS on the socket. What the peer sent
  /// in plain and was not yet delivered never is: it breaks the handshake. Bytes written after
  /// this call leave encrypted.
  void start_tls(std::shared_ptr<const TlsContext> context);
  bool is_tls() const { return tls_ != nullptr; }
  ssl_st* tls() { return tls_.get(); }

  /// Writes what is queued (for at most 5 s), sends TLS close_notify and the end of the stream,
  /// waits within the same time for the peer's end, closes; then on_closed(kLocal). Nothing is
  /// delivered to the reader meanwhile.
  void close_after_flush();
  /// Closes at the end of this turn without flushing; then on_closed.
  void close_now(CloseReason reason = CloseReason::kLocal) { close(reason); }

  /// Leaves its loop: no event will be delivered until attach(). The object may then be moved to
  /// another thread; what is queued is written there.
  void detach();
  /// Arrives at `loop` (called on its thread).
  void attach(event::Loop& loop, ByteReader& reader);

  event::Loop& loop() { return *loop_; }
  const Address& peer() const { return *peer_; }
  bool is_closed() const { return state_ == State::kClosed; }
  std::uint64_t last_read_ms() const { return last_read_ms_; }  ///< Loop::now_ms of the last read
  std::uint64_t bytes_read() const { return bytes_read_; }      ///< by the reader, decrypted
  std::uint64_t bytes_written() const { return bytes_sent_; }   ///< of output(), before encryption

 private:
  enum class State : std::uint8_t {
    kOpen,       // plain, or TLS established
    kHandshake,  // TLS is being negotiated
    kFlushing,   // close_after_flush: writing the rest, discarding what comes
    kLingering,  // all is written and our end is shut down; waiting for the peer's
    kClosed,     // over; the reader is told at the end of the turn
  };
  enum class Outcome : std::uint8_t { kDone, kBlocked, kFailed };
  struct Visit;
  struct Taken;
  static constexpr std::size_t kReusable = 64;  // smaller capacities are not worth exchanging

  static void on_event(int fd, short what, void* self);
  static void free_tls(ssl_st* tls);
  void end_of_turn() override;
  void arrive();
  void leave();
  void handle(short what, const Visit& visit);
  void begin_tls();
  void handshake();
  void read_some(const Visit& visit);
  Taken take_plain(char* buffer);
  Taken take_tls(char* buffer);
  void discard();
  void flush();
  Outcome send_output();
  Outcome send_tls(std::string_view bytes);
  void finish_flushing();
  void arm_deadline();
  void watch();
  void close(CloseReason reason);
  void take_spare();
  void release_output();

  event::Loop* loop_;
  ByteReader* reader_ = nullptr;
  ::event* event_ = nullptr;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_{nullptr, &ByteStream::free_tls};
  std::shared_ptr<const TlsContext> pending_tls_;  // begins when the plain output has left
  std::unique_ptr<Address> peer_;
  Visit* visit_ = nullptr;  // the calls of ours that are on the stack, innermost first
  std::string output_;
  std::size_t written_ = 0;         // bytes at the front of output_ that have left
  std::size_t flush_end_ = kNoEnd;  // what was appended behind this does not leave for now
  std::size_t output_limit_ = 4 * 1024 * 1024;
  std::uint64_t last_read_ms_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_sent_ = 0;
  event::Timer flush_deadline_;
  UniqueFd socket_;
  short watched_ = 0;
  CloseReason reason_ = CloseReason::kLocal;
  State state_ = State::kOpen;
  bool attached_ = false;
  bool paused_ = false;
  bool read_more_ = false;         // bytes may wait inside OpenSSL, of which no event tells
  bool wants_write_ = false;       // output waits for room in the socket
  bool tls_wants_write_ = false;   // reading or the handshake waits for room
  bool write_wants_read_ = false;  // output waits for the peer's bytes (renegotiation)
  bool broken_ = false;            // writing failed; what the peer sent before is still read
  bool ended_ = false;             // the peer's end was seen
  bool told_ = false;              // on_closed was called

  static constexpr std::size_t kNoEnd = static_cast<std::size_t>(-1);
};

}  // namespace impulse::net
