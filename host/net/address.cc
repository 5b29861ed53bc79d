// Addresses: Listen names to sockaddr, sockaddr to text.
#include "host/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace impulse::net {
namespace {

constexpr std::string_view kForms =
    "; must be \"*:port\", \"192.0.2.1:port\", \"[*]:port\", \"[2001:db8::1]:port\" or a path that "
    "starts with '/'";

Error wrong(std::string_view text, std::string_view what) {
  // What a Listen stanza holds is short; what is not, is shown by its beginning.
  std::string message = "listen address '" + std::string(text.substr(0, 120)) + "' ";
  message += what;
  return {ErrorCode::kInvalid, std::move(message)};
}

Result<in_port_t> parse_port(std::string_view text, std::string_view digits) {
  unsigned port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (error != std::errc() || stop != end || digits.size() > 5 || port > 65535) {
    return wrong(text, "has no valid port after its last ':'; must be a number from 0 to 65535");
  }
  return static_cast<in_port_t>(port);
}

Result<Address> parse_unix(std::string_view text) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (text.size() >= sizeof address.sun_path) {
    return wrong(text, "is too long for a Unix socket; must be at most 107 bytes");
  }
  if (text.find('\0') != std::string_view::npos) return wrong(text, "holds a NUL byte");
  std::ranges::copy(text, address.sun_path);
  const auto length = offsetof(sockaddr_un, sun_path) + text.size() + 1;
  return Address(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
}

Result<Address> parse_ipv6(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos || text.substr(close + 1, 1) != ":") {
    return wrong(text, "has no \"]:port\" after its \"[\"" + std::string(kForms));
  }
  const auto port = parse_port(text, text.substr(close + 2));
  if (!port) return port.error();
  sockaddr_in6 address = {};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(*port);
  const std::string name(text.substr(1, close - 1));
  if (name != "*" && (name.find('\0') != std::string::npos ||
                      inet_pton(AF_INET6, name.c_str(), &address.sin6_addr) != 1)) {
    return wrong(text, "has no valid IPv6 address between the brackets" + std::string(kForms));
  }
  return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

Result<Address> parse_ipv4(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong(text, "has no port" + std::string(kForms));
  }
  const std::string name(text.substr(0, colon));
  if (name.find(':') != std::string::npos) {
    return wrong(text, "needs brackets around its IPv6 address" + std::string(kForms));
  }
  const auto port = parse_port(text, text.substr(colon + 1));
  if (!port) return port.error();
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(*port);
  if (name != "*" && !name.empty() &&
      (name.find('\0') != std::string::npos ||
       inet_pton(AF_INET, name.c_str(), &address.sin_addr) != 1)) {
    return wrong(text, "has no valid IPv4 address before its port" + std::string(kForms));
  }
  return Address(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Address::Address(const sockaddr* address, socklen_t length)
    : length_(std::min<socklen_t>(length, sizeof storage_)) {
  std::memcpy(&storage_, address, length_);
}

Result<Address> Address::parse_listen(std::string_view text) {
  if (text.empty()) return wrong(text, "is empty" + std::string(kForms));
  if (text.front() == '/') return parse_unix(text);
  if (text.front() == '[') return parse_ipv6(text);
  return parse_ipv4(text);
}

std::string Address::text() const {
  switch (family()) {
    case AF_INET: {
      const auto port = ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
      return host() + ":" + std::to_string(port);
    }
    case AF_INET6: {
      const auto port = ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
      return "[" + host() + "]:" + std::to_string(port);
    }
    case AF_UNIX: {
      // The kernel counts the path's final NUL or not; a peer that never bound has no path.
      const auto* address = reinterpret_cast<const sockaddr_un*>(&storage_);
      const std::size_t offset = offsetof(sockaddr_un, sun_path);
      std::string path(address->sun_path, length_ > offset ? length_ - offset : 0);
      if (path.empty()) return "unix";
      if (path.front() == '\0') return "@" + path.substr(1);
      return path.c_str();
    }
    default:
      return "unknown";
  }
}

std::string Address::host() const {
  char text[INET6_ADDRSTRLEN] = {};
  switch (family()) {
    case AF_INET:
      inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr, text,
                sizeof text);
      return text;
    case AF_INET6:
      inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr, text,
                sizeof text);
      return text;
    case AF_UNIX:
      return "127.0.0.1";
    default:
      return "unknown";
  }
}

}  // namespace impulse::net
