// One connection's bytes: reading, writing once per turn, closing, moving between loops.
#include "host/net/byte_stream.h"

#include <event2/event.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <new>
#include <utility>
#include <vector>

#include "host/base/check.h"
#include "host/net/byte_stream_internal.h"

namespace impulse::net {
namespace {

constexpr auto kFlushTime = std::chrono::seconds(5);
constexpr std::size_t kMaxSpares = 32;
constexpr std::size_t kMaxSpareBytes = std::size_t{64} * 1024;

// Strings that keep their capacity between the turns, so that connections need not.
std::vector<std::string>& spares() {
  thread_local std::vector<std::string> instance;
  return instance;
}

}  // namespace

char* read_buffer() {
  thread_local const std::unique_ptr<char[]> buffer(new char[kReadBytes]);
  return buffer.get();
}

std::string_view name_of(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeer:
      return "peer";
    case CloseReason::kLocal:
      return "local";
    case CloseReason::kError:
      return "error";
    case CloseReason::kTls:
      return "tls";
    case CloseReason::kSlowReader:
      return "slow_reader";
  }
  return "unknown";
}

ByteStream::ByteStream(event::Loop& loop, UniqueFd socket, Address peer)
    : loop_(&loop), peer_(std::make_unique<Address>(peer)), socket_(std::move(socket)) {}

ByteStream::~ByteStream() {
  if (attached_) leave();
  ::operator delete(event_);
}

void ByteStream::start(ByteReader& reader) {
  reader_ = &reader;
  if (!attached_) arrive();
}

void ByteStream::attach(event::Loop& loop, ByteReader& reader) {
  IMPULSE_CHECK(!attached_);
  loop_ = &loop;
  start(reader);
}

void ByteStream::detach() {
  if (!attached_) return;
  IMPULSE_AT_HOME(*loop_);
  leave();
}

void ByteStream::arrive() {
  IMPULSE_AT_HOME(*loop_);
  attached_ = true;
  if (last_read_ms_ == 0) last_read_ms_ = loop_->now_ms();  // silence counts from the start
  if (state_ == State::kFlushing || state_ == State::kLingering) arm_deadline();
  // OpenSSL may hold what it read on the former loop, down to an error or the end.
  read_more_ = tls_ != nullptr;
  loop_->enlist(*this);
  watch();
}

void ByteStream::leave() {
  for (Visit* visit = visit_; visit != nullptr; visit = visit->outer) visit->left = true;
  visit_ = nullptr;
  if (watched_ != 0) event_del(event_);
  watched_ = 0;
  loop_->withdraw(*this);
  flush_deadline_ = {};
  attached_ = false;
}

void ByteStream::watch() {
  short wanted = 0;
  switch (state_) {
    case State::kOpen:
      if (!paused_ && !ended_ && pending_tls_ == nullptr && !tls_wants_write_) wanted |= EV_READ;
      break;
    case State::kHandshake:
      if (!tls_wants_write_) wanted |= EV_READ;
      break;
    case State::kFlushing:
      if (!ended_ && !tls_wants_write_) wanted |= EV_READ;
      break;
    case State::kLingering:
      wanted |= EV_READ;
      break;
    case State::kClosed:
      break;
  }
  if (state_ != State::kClosed) {
    if (write_wants_read_) wanted |= EV_READ;
    if (wants_write_ || tls_wants_write_) wanted |= EV_WRITE;
  }
  if (wanted == watched_ || !attached_) return;
  // One event, assigned anew: reading alone is by far the most common, and needs no call at all.
  if (watched_ != 0) event_del(event_);
  watched_ = wanted;
  if (wanted == 0) return;
  if (event_ == nullptr) {
    event_ = static_cast<::event*>(::operator new(event_get_struct_event_size()));
  }
  event_assign(event_, loop_->base(), socket_.get(), static_cast<short>(wanted | EV_PERSIST),
               &ByteStream::on_event, this);
  if (event_add(event_, nullptr) != 0) {
    watched_ = 0;
    close(CloseReason::kError);
  }
}

void ByteStream::on_event(int, short what, void* self) {
  auto& stream = *static_cast<ByteStream*>(self);
  static_cast<void>(stream.loop_->now_ms());  // the turn has begun
  Visit visit(stream);
  stream.handle(what, visit);
}

void ByteStream::handle(short what, const Visit& visit) {
  switch (state_) {
    case State::kOpen:
    case State::kFlushing:
      break;
    case State::kHandshake:
      handshake();
      return;
    case State::kLingering:
      discard();
      return;
    case State::kClosed:
      return;
  }
  const bool readable = (what & EV_READ) != 0;
  const bool writable = (what & EV_WRITE) != 0;
  // Reading first: what the peer said before it went away counts.
  if (paused_ && state_ == State::kOpen) {
    watch();  // a short pause costs nothing; this one met bytes
  } else if (readable || (writable && tls_wants_write_)) {
    read_some(visit);
    if (visit.left) return;
  }
  if ((writable && wants_write_) || (readable && write_wants_read_)) {
    wants_write_ = write_wants_read_ = false;
    flush();
  }
}

void ByteStream::end_of_turn() {
  Visit visit(*this);
  switch (state_) {
    case State::kClosed:
      tls_.reset();
      socket_.reset();
      if (!std::exchange(told_, true)) reader_->on_closed(reason_);
      return;
    case State::kLingering:
      return;
    case State::kHandshake:
      if (output_bytes() > output_limit_) close(CloseReason::kSlowReader);
      return;
    case State::kOpen:
    case State::kFlushing:
      break;
  }
  if (read_more_ && (!paused_ || state_ == State::kFlushing)) {
    read_some(visit);
    if (visit.left) return;
  }
  flush();
}

void ByteStream::read_some(const Visit& visit) {
  if (pending_tls_ != nullptr || ended_) return;
  char* const buffer = read_buffer();
  read_more_ = tls_wants_write_ = false;
  const Taken taken = tls_ != nullptr ? take_tls(buffer) : take_plain(buffer);
  if (taken.bytes != 0) {
    bytes_read_ += taken.bytes;
    last_read_ms_ = loop_->now_ms();
    if (state_ == State::kOpen) {
      reader_->on_bytes({buffer, taken.bytes});
      if (visit.left) return;
    }
    if (state_ != State::kOpen && state_ != State::kFlushing) return;
  }
  if (read_more_) loop_->enlist(*this);
  if (taken.end == End::kNone) {
    if (tls_wants_write_) watch();
    return;
  }
  if (taken.end == End::kFailed) {
    close(tls_ != nullptr ? CloseReason::kTls : CloseReason::kError);
    return;
  }
  ended_ = true;
  if (broken_) {
    close(CloseReason::kError);
  } else if (state_ == State::kFlushing) {
    watch();
    flush();
  } else if (reader_->on_end()) {
    if (!visit.left && state_ == State::kOpen) watch();
  } else {
    // The peer may have shut down only its own direction: it still gets what is ready for it.
    if (output_bytes() != 0 && !wants_write_) static_cast<void>(send_output());
    close(CloseReason::kPeer);
  }
}

ByteStream::Taken ByteStream::take_plain(char* buffer) {
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), buffer, kReadBytes, 0);
    if (got > 0) return {static_cast<std::size_t>(got), End::kNone};
    if (got == 0) return {0, End::kPeer};
    if (errno == EINTR) continue;
    return {0, errno == EAGAIN || errno == EWOULDBLOCK ? End::kNone : End::kFailed};
  }
}

void ByteStream::discard() {
  // Closing with unread bytes would reset the connection and destroy what the peer has not read.
  if (take_plain(read_buffer()).end != End::kNone) close(CloseReason::kLocal);
}

void ByteStream::take_spare() {
  auto& all = spares();
  if (all.empty()) return;
  std::string spare = std::move(all.back());
  all.pop_back();
  spare.append(output_);
  output_ = std::move(spare);
}

void ByteStream::release_output() {
  written_ = 0;
  flush_end_ = kNoEnd;
  output_.clear();
  if (output_.capacity() < kReusable) return;
  std::string old = std::move(output_);
  output_ = std::string();  // a moved-from string may keep its capacity
  auto& all = spares();
  if (old.capacity() <= kMaxSpareBytes && all.size() < kMaxSpares) all.push_back(std::move(old));
}

void ByteStream::write(std::string_view bytes) {
  if (state_ != State::kOpen && state_ != State::kHandshake) return;
  output().append(bytes);
  touch();
}

void ByteStream::touch() {
  if (state_ == State::kClosed || state_ == State::kLingering || broken_) {
    release_output();
  } else if (attached_) {
    IMPULSE_AT_HOME(*loop_);
    // A peer that is known not to read is stopped at once; others get their chance to.
    if (wants_write_ && output_bytes() > output_limit_) {
      close(CloseReason::kSlowReader);
    } else {
      loop_->enlist(*this);
    }
  }
}

void ByteStream::resume() {
  paused_ = false;
  if (!attached_) return;
  if (read_more_) loop_->enlist(*this);
  watch();
}

ByteStream::Outcome ByteStream::send_output() {
  const std::size_t end = std::min(output_.size(), flush_end_);
  while (written_ < end) {
    const std::string_view rest(output_.data() + written_, end - written_);
    if (tls_ != nullptr) {
      const Outcome outcome = send_tls(rest);
      if (outcome != Outcome::kDone) return outcome;
      continue;
    }
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return Outcome::kFailed;
      wants_write_ = true;
      return Outcome::kBlocked;
    }
    written_ += static_cast<std::size_t>(sent);
    bytes_sent_ += static_cast<std::size_t>(sent);
    if (static_cast<std::size_t>(sent) < rest.size()) {
      wants_write_ = true;  // a short write means that the socket is full
      return Outcome::kBlocked;
    }
  }
  return Outcome::kDone;
}

void ByteStream::flush() {
  if (state_ != State::kOpen && state_ != State::kFlushing) return;
  if (wants_write_ || write_wants_read_) {
    if (output_bytes() > output_limit_) close(CloseReason::kSlowReader);
    watch();
    return;
  }
  const bool had_output = output_bytes() != 0;
  switch (broken_ ? Outcome::kFailed : send_output()) {
    case Outcome::kDone:
      break;
    case Outcome::kBlocked:
      // What has left need not be kept; moving the rest to the front once per half is cheap.
      if (written_ > output_.size() / 2) {
        output_.erase(0, written_);
        if (flush_end_ != kNoEnd) flush_end_ -= written_;
        written_ = 0;
      }
      if (output_bytes() > output_limit_) close(CloseReason::kSlowReader);
      watch();
      return;
    case Outcome::kFailed:
      // The peer reset the connection, perhaps right after its last words: these are still read,
      // up to the error that ends them.
      broken_ = true;
      release_output();
      if (state_ != State::kOpen || ended_ || pending_tls_ != nullptr) close(CloseReason::kError);
      watch();
      return;
  }
  if (pending_tls_ != nullptr) {
    begin_tls();
  } else if (state_ == State::kFlushing) {
    finish_flushing();
  } else {
    release_output();
    watch();
    if (had_output) reader_->on_drained();
  }
}

void ByteStream::start_tls(std::shared_ptr<const TlsContext> context) {
  if (state_ != State::kOpen || tls_ != nullptr || pending_tls_ != nullptr) return;
  pending_tls_ = std::move(context);
  flush_end_ = output_.size();
  if (attached_) loop_->enlist(*this);
}

void ByteStream::close_after_flush() {
  switch (state_) {
    case State::kFlushing:
    case State::kLingering:
    case State::kClosed:
      return;
    case State::kHandshake:
      close(CloseReason::kLocal);  // nothing can be said to this peer
      return;
    case State::kOpen:
      break;
  }
  if (broken_) {
    close(CloseReason::kLocal);
    return;
  }
  pending_tls_.reset();
  flush_end_ = std::min(flush_end_, output_.size());
  state_ = State::kFlushing;
  if (!attached_) return;
  arm_deadline();
  loop_->enlist(*this);
}

void ByteStream::arm_deadline() {
  flush_deadline_ = loop_->after(kFlushTime, [this] { close(CloseReason::kLocal); });
}

void ByteStream::close(CloseReason reason) {
  if (state_ == State::kClosed) return;
  const bool was_closing = state_ == State::kFlushing || state_ == State::kLingering;
  reason_ = was_closing ? CloseReason::kLocal : reason;
  state_ = State::kClosed;
  pending_tls_.reset();
  flush_deadline_ = {};
  release_output();
  watch();
  if (attached_) loop_->enlist(*this);
}

}  // namespace impulse::net
