// Addresses: parse, prepare, compare (RFC 7622).
// @rfc 7622 complete
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/module/descriptor.h"

namespace impulse::xmpp {

/// A prepared address, "local@domain/resource". Regular value without invalid state; any thread.
/// Equal addresses are equal texts.
class IMPULSE_EXPORT Jid {
 public:
  /// Parses and prepares (RFC 7622 section 3). `text` may be any bytes a stranger sent; more than
  /// 3071 bytes are refused unread. Errors: kInvalid, naming the part and the rule it broke. Pure
  /// ASCII that needs no mapping costs one pass.
  static Result<Jid> parse(std::string_view text);
  /// From parts; `local` and `resource` may be empty.
  static Result<Jid> make(std::string_view local, std::string_view domain,
                          std::string_view resource);
  /// Prepared parts alone, as SASL and the console need them.
  static Result<std::string> prepare_local(std::string_view local);
  static Result<std::string> prepare_domain(std::string_view domain);
  static Result<std::string> prepare_resource(std::string_view resource);

  std::string_view text() const { return text_; }
  /// Text without the resource.
  std::string_view bare_text() const { return std::string_view(text_).substr(0, bare_length_); }
  std::string_view local() const { return std::string_view(text_).substr(0, local_length_); }
  std::string_view domain() const {
    const std::size_t start = local_length_ == 0 ? 0 : local_length_ + 1u;
    return std::string_view(text_).substr(start, bare_length_ - start);
  }
  std::string_view resource() const {
    return is_bare() ? std::string_view() : std::string_view(text_).substr(bare_length_ + 1u);
  }
  bool is_bare() const { return bare_length_ == text_.size(); }
  bool is_full() const { return !is_bare(); }
  bool has_local() const { return local_length_ != 0; }
  Jid bare() const;
  /// The same with another, prepared resource.
  Result<Jid> with_resource(std::string_view resource) const;
  bool same_bare(const Jid& other) const { return bare_text() == other.bare_text(); }
  /// Hash of the bare JID: says which loop is its home.
  std::size_t home_hash() const { return hash_bare(bare_text()); }
  static std::size_t hash_bare(std::string_view bare) {
    return std::hash<std::string_view>()(bare);
  }

  bool operator==(const Jid& other) const { return text_ == other.text_; }
  auto operator<=>(const Jid& other) const { return text_ <=> other.text_; }

 private:
  Jid(std::string text, std::uint16_t local_length, std::uint16_t bare_length)
      : text_(std::move(text)), local_length_(local_length), bare_length_(bare_length) {}
  std::string text_;
  std::uint16_t local_length_;
  std::uint16_t bare_length_;
};

}  // namespace impulse::xmpp
