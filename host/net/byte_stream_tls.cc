// The TLS half of a ByteStream: handshake, records, the wants of one direction for the other.
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "host/base/log.h"
#include "host/net/byte_stream.h"
#include "host/net/byte_stream_internal.h"

namespace impulse::net {
namespace {

log::Source net_log("net");

// Small records are joined up to the size of the buffer, but not for ever.
constexpr int kRecordsAtATime = 64;

// What OpenSSL said of a failed call, for the log; empties its queue.
const char* failure_reason() {
  const unsigned long code = ERR_peek_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "connection lost";
}

}  // namespace

void ByteStream::free_tls(ssl_st* tls) { SSL_free(tls); }

void ByteStream::begin_tls() {
  const auto context = std::move(pending_tls_);
  pending_tls_.reset();
  output_.erase(0, written_);  // what was written since start_tls() waits for the handshake
  written_ = 0;
  flush_end_ = kNoEnd;
  ERR_clear_error();
  tls_.reset(SSL_new(context->raw()));
  if (tls_ == nullptr || SSL_set_fd(tls_.get(), socket_.get()) != 1) {
    LOG(net_log, kError, "tls_unavailable", {"peer", peer_->text()}, {"reason", failure_reason()});
    close(CloseReason::kTls);
    return;
  }
  // PERF(one recv per record instead of two): the header and the body come at once. The buffer is
  // the same, and is released like without when it is empty.
  SSL_set_read_ahead(tls_.get(), 1);
  SSL_set_accept_state(tls_.get());
  state_ = State::kHandshake;
  if (output_.empty()) release_output();
  watch();
}

void ByteStream::handshake() {
  SSL* const tls = tls_.get();
  ERR_clear_error();
  errno = 0;
  tls_wants_write_ = false;
  const int done = SSL_do_handshake(tls);
  if (done == 1) {
    state_ = State::kOpen;
    read_more_ = SSL_has_pending(tls) == 1;
    loop_->enlist(*this);
    watch();
    reader_->on_tls_established();
    return;
  }
  switch (SSL_get_error(tls, done)) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_WANT_WRITE:
      tls_wants_write_ = true;
      break;
    case SSL_ERROR_ZERO_RETURN:
      close(CloseReason::kPeer);
      break;
    case SSL_ERROR_SYSCALL:
      close(errno == 0 ? CloseReason::kPeer : CloseReason::kError);
      break;
    default:
      LOG(net_log, kDebug, "tls_handshake_failed", {"peer", peer_->text()},
          {"reason", failure_reason()});
      close(CloseReason::kTls);
      break;
  }
  watch();
}

ByteStream::Taken ByteStream::take_tls(char* buffer) {
  SSL* const tls = tls_.get();
  std::size_t total = 0;
  for (int records = 0; total < kReadBytes && records < kRecordsAtATime; ++records) {
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    const int done = SSL_read_ex(tls, buffer + total, kReadBytes - total, &got);
    total += got;
    if (done == 1) {
      if (SSL_has_pending(tls) == 1) continue;
      return {total, End::kNone};  // an event tells of the next
    }
    switch (SSL_get_error(tls, done)) {
      case SSL_ERROR_WANT_READ:
        return {total, End::kNone};
      case SSL_ERROR_WANT_WRITE:
        tls_wants_write_ = true;
        return {total, End::kNone};
      case SSL_ERROR_ZERO_RETURN:
        return {total, End::kPeer};
      case SSL_ERROR_SYSCALL:
        return {total, errno == 0 ? End::kPeer : End::kFailed};
      default:
        LOG(net_log, kDebug, "tls_record_refused", {"peer", peer_->text()},
            {"reason", failure_reason()});
        return {total, End::kFailed};
    }
  }
  read_more_ = true;
  return {total, End::kNone};
}

ByteStream::Outcome ByteStream::send_tls(std::string_view bytes) {
  SSL* const tls = tls_.get();
  ERR_clear_error();
  std::size_t sent = 0;
  const int done = SSL_write_ex(tls, bytes.data(), bytes.size(), &sent);
  if (done == 1) {
    written_ += sent;
    bytes_sent_ += sent;
    return Outcome::kDone;
  }
  switch (SSL_get_error(tls, done)) {
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return Outcome::kBlocked;
    case SSL_ERROR_WANT_READ:
      write_wants_read_ = true;
      return Outcome::kBlocked;
    case SSL_ERROR_SYSCALL:
      return Outcome::kFailed;
    default:
      close(CloseReason::kTls);
      return Outcome::kFailed;
  }
}

void ByteStream::finish_flushing() {
  if (tls_ != nullptr) {
    ERR_clear_error();
    const int said = SSL_shutdown(tls_.get());
    if (said < 0 && SSL_get_error(tls_.get(), said) == SSL_ERROR_WANT_WRITE) {
      wants_write_ = true;
      watch();
      return;
    }
    ERR_clear_error();
  }
  release_output();
  ::shutdown(socket_.get(), SHUT_WR);
  if (ended_) {
    close(CloseReason::kLocal);
    return;
  }
  state_ = State::kLingering;
  watch();
}

}  // namespace impulse::net
