// Network: the name of a Peer stanza, an IP address with a prefix length.
#include "host/config/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "host/base/text.h"

namespace impulse::config {
namespace {

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// The bits of byte `index` that a prefix of this length covers.
std::uint8_t mask_of(int prefix, std::size_t index) {
  const int covered = std::clamp(prefix - static_cast<int>(index) * 8, 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> covered);
}

}  // namespace

std::optional<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  std::string address(text.substr(0, slash));
  // A link-local peer is written with its interface, fe80::1%eth0, which no network names.
  address.resize(std::min(address.find('%'), address.size()));
  Network network;
  network.is_v4_ = inet_pton(AF_INET, address.c_str(), network.bytes_.data()) == 1;
  if (!network.is_v4_ && inet_pton(AF_INET6, address.c_str(), network.bytes_.data()) != 1) {
    return std::nullopt;
  }
  const int longest = network.is_v4_ ? 32 : 128;
  network.prefix_ = longest;
  if (slash != std::string_view::npos) {
    const auto prefix = text::parse_number<unsigned>(text.substr(slash + 1));
    if (!prefix || *prefix > static_cast<unsigned>(longest)) return std::nullopt;
    network.prefix_ = static_cast<int>(*prefix);
  }
  if (!network.is_v4_ && network.prefix_ >= 96 &&
      std::memcmp(network.bytes_.data(), kMapped, sizeof kMapped) == 0) {
    std::rotate(network.bytes_.begin(), network.bytes_.begin() + 12, network.bytes_.end());
    network.is_v4_ = true;
    network.prefix_ -= 96;
  }
  const std::size_t used = network.is_v4_ ? 4 : 16;
  for (std::size_t i = 0; i < network.bytes_.size(); ++i) {
    const int mask = i < used ? mask_of(network.prefix_, i) : 0;
    network.bytes_[i] = static_cast<std::uint8_t>(network.bytes_[i] & mask);
  }
  return network;
}

bool Network::holds(const Network& other) const {
  if (is_v4_ != other.is_v4_ || other.prefix_ < prefix_) return false;
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (bytes_[i] != (other.bytes_[i] & mask_of(prefix_, i))) return false;
  }
  return true;
}

}  // namespace impulse::config
