// Network: the name of a Peer stanza, an IP address with a prefix length.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace impulse::config {

/// "10.0.0.0/8", "2001:db8::/32"; a bare address has the full length. Bits behind the prefix count
/// as zero, and an IPv4-mapped IPv6 address is the IPv4 address. Regular value; any thread.
class Network {
 public:
  static std::optional<Network> parse(std::string_view text);

  /// The other one lies within this one, or is the same.
  bool holds(const Network& other) const;
  int prefix() const { return prefix_; }
  bool operator==(const Network&) const = default;

 private:
  bool is_v4_ = false;
  std::array<std::uint8_t, 16> bytes_ = {};
  int prefix_ = 0;
};

}  // namespace impulse::config
