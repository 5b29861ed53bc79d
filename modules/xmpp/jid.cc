// Addresses: the one-pass way for plain ASCII, PRECIS and IDNA for all else.
#include "modules/xmpp/jid.h"

#include <array>
#include <string>

#include "modules/xmpp/prep.h"

namespace impulse::xmpp {
namespace {

constexpr std::size_t kPartBytes = 1023;                // RFC 7622 sections 3.2 to 3.4
constexpr std::size_t kTextBytes = 3 * kPartBytes + 2;  // with '@' and '/'
// Not in a localpart (RFC 7622 section 3.3.1).
constexpr std::string_view kExcluded = "\"&'/:<>@";

// What may stand in a part without any mapping or table; one bit for each part.
enum : unsigned char { kPlainLocal = 1, kPlainDomain = 2, kPlainResource = 4 };
constexpr std::array<unsigned char, 256> plain_table() {
  std::array<unsigned char, 256> table{};
  for (unsigned c = 0x20; c < 0x7F; ++c) {
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_domain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    const bool is_excluded = kExcluded.find(static_cast<char>(c)) != std::string_view::npos;
    table[c] =
        static_cast<unsigned char>(kPlainResource | (is_domain ? kPlainDomain : 0) |
                                   (c != ' ' && !is_upper && !is_excluded ? kPlainLocal : 0));
  }
  return table;
}
constexpr auto kPlain = plain_table();

bool is_plain(std::string_view text, unsigned char part) {
  unsigned char all = part;
  for (const char c : text) all &= kPlain[static_cast<unsigned char>(c)];
  return all == part;
}

bool is_plain_local(std::string_view text) {
  return !text.empty() && text.size() <= kPartBytes && is_plain(text, kPlainLocal);
}

bool is_plain_resource(std::string_view text) {
  return !text.empty() && text.size() <= kPartBytes && is_plain(text, kPlainResource) &&
         text.front() != ' ';
}

// Labels of lower case letters, digits and inner hyphens; "xn--" and its kin need a closer look.
bool is_plain_domain(std::string_view text) {
  if (text.empty() || text.size() > kPartBytes || !is_plain(text, kPlainDomain)) return false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] != '.') continue;
    const std::size_t length = i - start;
    if (length == 0 || length > 63 || text[start] == '-' || text[i - 1] == '-') return false;
    if (length > 3 && text[start + 2] == '-' && text[start + 3] == '-') return false;
    start = i + 1;
  }
  return true;
}

Error invalid(std::string what) { return Error{ErrorCode::kInvalid, std::move(what)}; }

// What all prepared parts must be; `part` names it in the error.
Result<std::string> finish(Result<std::string> prepared, const char* part) {
  if (!prepared) return std::move(prepared).error().in(part);
  if (prepared->size() > kPartBytes) {
    return invalid(std::string(part) + ": has " + std::to_string(prepared->size()) +
                   " bytes, must have at most 1023");
  }
  return prepared;
}

Result<void> check_raw(std::string_view text, const char* part) {
  if (text.empty()) return invalid(std::string(part) + ": is empty, must be 1 to 1023 bytes");
  // Mapping may shorten a text, but not to a third.
  if (text.size() > kTextBytes) {
    return invalid(std::string(part) + ": is too long, must be at most 1023 bytes");
  }
  return {};
}

}  // namespace

Result<std::string> Jid::prepare_local(std::string_view local) {
  if (is_plain_local(local)) return std::string(local);
  if (auto good = check_raw(local, "localpart"); !good) return good.error();
  auto prepared = finish(prep::username_case_mapped(local), "localpart");
  if (!prepared) return prepared;
  // After the mapping, which makes an '@' of a fullwidth one.
  const std::size_t excluded = prepared->find_first_of(kExcluded);
  if (excluded != std::string::npos) {
    return invalid(std::string("localpart: '") + (*prepared)[excluded] +
                   "' is not allowed (RFC 7622 section 3.3.1)");
  }
  return prepared;
}

Result<std::string> Jid::prepare_domain(std::string_view domain) {
  if (is_plain_domain(domain)) return std::string(domain);
  if (auto good = check_raw(domain, "domainpart"); !good) return good.error();
  return finish(prep::domain(domain), "domainpart");
}

Result<std::string> Jid::prepare_resource(std::string_view resource) {
  if (is_plain_resource(resource)) return std::string(resource);
  if (auto good = check_raw(resource, "resourcepart"); !good) return good.error();
  auto prepared = finish(prep::opaque_string(resource), "resourcepart");
  if (!prepared) return prepared;
  if (prepared->front() == ' ') {  // RFC 7622 section 3.5, example 18
    return invalid("resourcepart: begins with a space");
  }
  return prepared;
}

Result<Jid> Jid::parse(std::string_view text) {
  if (text.size() > kTextBytes) {
    return invalid("address: has " + std::to_string(text.size()) +
                   " bytes, must have at most 3071");
  }
  // RFC 7622 section 3.2: the first '/' begins the resource, the first '@' before it ends the
  // local.
  const std::size_t slash = text.find('/');
  const std::string_view bare = text.substr(0, slash);
  const std::size_t at = bare.find('@');
  const bool has_local = at != std::string_view::npos;
  const bool has_resource = slash != std::string_view::npos;
  const std::string_view local = has_local ? bare.substr(0, at) : std::string_view();
  const std::string_view domain = has_local ? bare.substr(at + 1) : bare;
  const std::string_view resource = has_resource ? text.substr(slash + 1) : std::string_view();

  if ((!has_local || is_plain_local(local)) && is_plain_domain(domain) &&
      (!has_resource || is_plain_resource(resource))) {
    return Jid(std::string(text), static_cast<std::uint16_t>(local.size()),
               static_cast<std::uint16_t>(bare.size()));
  }
  if (has_local && local.empty()) return invalid("localpart: is empty, must be 1 to 1023 bytes");
  if (has_resource && resource.empty()) {
    return invalid("resourcepart: is empty, must be 1 to 1023 bytes");
  }
  return make(local, domain, resource);
}

Result<Jid> Jid::make(std::string_view local, std::string_view domain, std::string_view resource) {
  auto prepared_domain = prepare_domain(domain);
  if (!prepared_domain) return std::move(prepared_domain).error();
  std::string text;
  std::size_t local_length = 0;
  if (!local.empty()) {
    auto prepared = prepare_local(local);
    if (!prepared) return std::move(prepared).error();
    local_length = prepared->size();
    text = *std::move(prepared) + '@';
  }
  text += *prepared_domain;
  const std::size_t bare_length = text.size();
  if (!resource.empty()) {
    auto prepared = prepare_resource(resource);
    if (!prepared) return std::move(prepared).error();
    text += '/';
    text += *prepared;
  }
  return Jid(std::move(text), static_cast<std::uint16_t>(local_length),
             static_cast<std::uint16_t>(bare_length));
}

Jid Jid::bare() const { return Jid(std::string(bare_text()), local_length_, bare_length_); }

Result<Jid> Jid::with_resource(std::string_view resource) const {
  auto prepared = prepare_resource(resource);
  if (!prepared) return std::move(prepared).error();
  std::string text;
  text.reserve(bare_length_ + 1u + prepared->size());
  text.append(bare_text()).append("/").append(*prepared);
  return Jid(std::move(text), local_length_, bare_length_);
}

}  // namespace impulse::xmpp
