// Unpredictable identifiers from the system's generator.
#include "modules/xmpp/random_id.h"

#include <openssl/rand.h>

#include <cstdint>

#include "host/base/check.h"

namespace impulse::xmpp {

std::string random_id() {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[16];
  IMPULSE_CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
  std::string id;
  id.reserve(sizeof bytes);
  for (unsigned char byte : bytes) id += kAlphabet[byte % 64];
  return id;
}

}  // namespace impulse::xmpp
