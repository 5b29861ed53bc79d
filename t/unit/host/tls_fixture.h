// Certificates made on the spot, and a blocking TLS client to talk to what we test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "host/base/owned.h"

namespace impulse::test {

/// A folder that goes with its files.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(::testing::TempDir() + "impulse-test-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TemporaryFolder() { static_cast<void>(std::system(("rm -rf '" + path_ + "'").c_str())); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A key and a self-signed certificate for it.
class Certificate {
 public:
  explicit Certificate(const std::string& name = "example.net", const EVP_MD* digest = EVP_sha256())
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509* const x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    if (X509_sign(x, key_.get(), digest) == 0) std::abort();
  }

  X509* get() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }
  void write_certificate(const std::string& path) const {
    write(path, [this](FILE* file) { return PEM_write_X509(file, certificate_.get()); });
  }
  void write_key(const std::string& path) const {
    write(path, [this](FILE* file) {
      return PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  /// Certificate and key in one file.
  void write_both(const std::string& path) const {
    write(path, [this](FILE* file) {
      return PEM_write_X509(file, certificate_.get()) &&
             PEM_write_PrivateKey(file, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  template <class F>
  static void write(const std::string& path, F fn) {
    FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr || fn(file) == 0 || std::fclose(file) != 0) std::abort();
  }
  Owned<EVP_PKEY, &EVP_PKEY_free> key_;
  Owned<X509, &X509_free> certificate_;
};

/// Two connected sockets: `ours` non-blocking, `peer` blocking with a time limit.
struct SocketPair {
  SocketPair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    ours.reset(fds[0]);
    peer.reset(fds[1]);
    ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
    const timeval limit = {20, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  }
  UniqueFd ours;
  UniqueFd peer;
};

/// The client side of TLS over a blocking socket.
class TlsClient {
 public:
  explicit TlsClient(int max_version = TLS1_3_VERSION)
      : context_(SSL_CTX_new(TLS_client_method())), ssl_(nullptr) {
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
  }
  SSL_CTX* context() { return context_.get(); }
  SSL* ssl() { return ssl_.get(); }

  bool connect(int fd) {
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd);
    const bool done = SSL_connect(ssl_.get()) == 1;
    ERR_clear_error();
    return done;
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Reads until it has `size` bytes or the end.
  std::string read(std::size_t size) {
    std::string result(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const int n = SSL_read(ssl_.get(), result.data() + got, static_cast<int>(size - got));
      if (n <= 0) break;
      got += static_cast<std::size_t>(n);
    }
    ERR_clear_error();
    result.resize(got);
    return result;
  }
  /// True when the next thing is the server's close_notify.
  bool at_close_notify() {
    char byte = 0;
    const int n = SSL_read(ssl_.get(), &byte, 1);
    const bool closed = n <= 0 && SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return closed;
  }

 private:
  Owned<SSL_CTX, &SSL_CTX_free> context_;
  Owned<SSL, &SSL_free> ssl_;
};

/// Reads from a blocking socket until it has `size` bytes or the end.
inline std::string read_exactly(int fd, std::size_t size) {
  std::string result(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::recv(fd, result.data() + got, size - got, 0);
    if (n <= 0) break;
    got += static_cast<std::size_t>(n);
  }
  result.resize(got);
  return result;
}

inline bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace impulse::test
