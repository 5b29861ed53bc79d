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
enum class CloseReason {
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
/// 16 KiB a turn, so that one flooding peer cannot starve the others.
class ByteStream final : private event::EndOfTurn {
 public:
  /// Takes over a connected, non-blocking socket; silent until start().
  ByteStream(event::Loop& loop, UniqueFd socket, Address peer);
  ~ByteStream();

  /// Begins to read; `reader` must outlive the stream or be replaced by a later start().
  void start(ByteReader& reader);

  /// Queues bytes; they leave at the end of this turn. Past `output_limit` bytes that the peer
  /// does not take, the stream is closed with kSlowReader. No effect once closed.
  void write(std::string_view bytes);
  /// The output of this turn, to append to directly (no copy); call touch() after appending.
  std::string& output() { return output_; }
  void touch();
  std::size_t output_bytes() const { return output_.size() - written_; }
  void set_output_limit(std::size_t bytes) { output_limit_ = bytes; }

  /// Stops and resumes reading (back-pressure).
  void pause();
  void resume();

  /// Writes what is queued, then starts the server side of TLS on the socket.
  void start_tls(std::shared_ptr<const TlsContext> context);
  bool is_tls() const { return tls_ != nullptr; }
  ssl_st* tls() { return tls_.get(); }

  /// Writes what is queued (for at most 5 s), sends TLS close_notify, closes; then on_closed.
  void close_after_flush();
  /// Closes at the end of this turn without flushing; then on_closed.
  void close_now(CloseReason reason = CloseReason::kLocal);

  /// Leaves its loop: no event will be delivered until attach(). The object may then be moved to
  /// another thread.
  void detach();
  /// Arrives at `loop` (called on its thread).
  void attach(event::Loop& loop, ByteReader& reader);

  event::Loop& loop() { return *loop_; }
  const Address& peer() const { return *peer_; }
  bool is_closed() const { return state_ == State::kClosed; }
  std::uint64_t last_read_ms() const { return last_read_ms_; }    ///< Loop::now_ms of the last read
  std::uint64_t bytes_read() const { return bytes_read_; }
  std::uint64_t bytes_written() const { return bytes_sent_; }

 private:
  enum class State : std::uint8_t { kDetached, kHandshake, kOpen, kFlushing, kClosed };
  static void on_event(int fd, short what, void* self);
  static void free_tls(ssl_st* tls);
  void end_of_turn() override;
  void handshake();
  void read_some();
  void flush();
  void watch();
  void close(CloseReason reason);

  event::Loop* loop_;
  ByteReader* reader_ = nullptr;
  ::event* event_ = nullptr;
  std::unique_ptr<ssl_st, void (*)(ssl_st*)> tls_{nullptr, &ByteStream::free_tls};
  std::shared_ptr<const TlsContext> pending_tls_;
  UniqueFd socket_;
  std::unique_ptr<Address> peer_;
  std::string output_;
  std::size_t written_ = 0;
  std::size_t output_limit_ = 4 * 1024 * 1024;
  std::uint64_t last_read_ms_ = 0;
  std::uint64_t bytes_read_ = 0;
  std::uint64_t bytes_sent_ = 0;
  event::Timer flush_deadline_;
  CloseReason reason_ = CloseReason::kLocal;
  State state_ = State::kDetached;
  bool paused_ = false;
  bool wants_write_ = false;
  bool tls_wants_write_ = false;
  short watched_ = 0;
};

}  // namespace impulse::net
