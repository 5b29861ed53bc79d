// What the two halves of ByteStream (plain and TLS) share.
#pragma once

#include <cstddef>

#include "host/net/byte_stream.h"

namespace impulse::net {

/// The most that is read from one connection before others have their turn.
inline constexpr std::size_t kReadBytes = std::size_t{16} * 1024;

/// This thread's buffer of kReadBytes; every connection reads into it, none keeps it.
char* read_buffer();

/// How an attempt to read ended.
enum class End : unsigned char {
  kNone,    ///< there may be more later
  kPeer,    ///< the peer's end of the stream
  kFailed,  ///< the connection is no more
};

/// What an attempt to read gave: bytes in the buffer and perhaps an end behind them.
struct ByteStream::Taken {
  std::size_t bytes;
  End end;
};

/// A call into a stream that is on the stack. A callback within may have moved the stream to
/// another thread: after it, nothing may be touched once `left` is set.
struct ByteStream::Visit {
// g++ does not see that the destructor takes the address back wherever the stream still is ours.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdangling-pointer"
  explicit Visit(ByteStream& s) : stream(s), outer(s.visit_) { s.visit_ = this; }
#pragma GCC diagnostic pop
  ~Visit() {
    if (!left) stream.visit_ = outer;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  ByteStream& stream;
  Visit* outer;
  bool left = false;
};

}  // namespace impulse::net
