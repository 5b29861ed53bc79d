// Encoding and decoding of the console's frames, requests and replies.
#include "host/control/wire.h"

#include <cstdint>

namespace impulse::control {

namespace {

constexpr std::size_t kLengthBytes = 4;

std::size_t read_length(std::string_view buffer) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    length = (length << 8U) | static_cast<unsigned char>(buffer[i]);
  }
  return length;
}

}  // namespace

std::string encode_frame(std::string_view body) {
  std::string frame;
  frame.reserve(kLengthBytes + body.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>((body.size() >> shift) & 0xffU));
  }
  return frame.append(body);
}

Result<std::optional<std::string>> take_frame(std::string& buffer, std::size_t most_bytes) {
  if (buffer.size() < kLengthBytes) return std::optional<std::string>();
  const std::size_t length = read_length(buffer);
  if (length > most_bytes) {
    return Error{ErrorCode::kTooBig, "a frame of " + std::to_string(length) + " bytes; at most " +
                                         std::to_string(most_bytes)};
  }
  if (buffer.size() < kLengthBytes + length) return std::optional<std::string>();
  std::optional<std::string> body = buffer.substr(kLengthBytes, length);
  buffer.erase(0, kLengthBytes + length);
  return body;
}

std::string encode_words(const std::vector<std::string>& words) {
  std::string body;
  for (const std::string& word : words) body += encode_frame(word);
  return body;
}

Result<std::vector<std::string>> decode_words(std::string body) {
  std::vector<std::string> words;
  while (!body.empty()) {
    auto word = take_frame(body, kMaxRequestBytes);
    if (!word) return word.error().in("a word");
    if (!*word) return Error{ErrorCode::kInvalid, "a word is shorter than its length says"};
    if (words.size() == kMaxWords) {
      return Error{ErrorCode::kTooBig, "more than " + std::to_string(kMaxWords) + " words"};
    }
    words.push_back(std::move(**word));
  }
  return words;
}

std::string encode_reply(Status status, std::string_view text) {
  std::string body(1, static_cast<char>(status));
  return encode_frame(body.append(text));
}

Result<ReplyText> decode_reply(std::string_view body) {
  if (body.empty() || body.front() < 0 || body.front() > static_cast<char>(Status::kWantsInput)) {
    return Error{ErrorCode::kInvalid, "the server's reply has no known status"};
  }
  return ReplyText{static_cast<Status>(body.front()), std::string(body.substr(1))};
}

}  // namespace impulse::control
