// Addresses of sockets: parsing of Listen names, and text for logs.
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "host/base/result.h"

namespace impulse::net {

/// An IPv4, IPv6 or Unix-domain address. Regular value; any thread.
class Address {
 public:
  Address() = default;
  Address(const sockaddr* address, socklen_t length);

  /// A Listen name (reference 3.1): "*:5222", ":5222", "192.0.2.1:5222", "[*]:5222",
  /// "[2001:db8::1]:5222", "/run/x.sock".
  static Result<Address> parse_listen(std::string_view text);

  bool is_unix() const { return family() == AF_UNIX; }
  int family() const { return storage_.ss_family; }
  /// "192.0.2.7:50123", "[::1]:50123", "/run/x.sock".
  std::string text() const;
  /// Without the port: "192.0.2.7", "::1"; a Unix-socket peer counts as "127.0.0.1" (2.5).
  std::string host() const;
  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }

 private:
  sockaddr_storage storage_ = {};
  socklen_t length_ = 0;
};

}  // namespace impulse::net
