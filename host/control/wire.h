// The bytes between the console client and the server: frames, requests, replies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"

namespace impulse::control {

/// A frame is a length (4 bytes, big-endian) and that many bytes. A connection carries one request:
/// the client sends a frame of words; the server answers with a reply frame. When that says
/// kWantsInput, the client sends its standard input as one more frame and gets the last reply.
inline constexpr std::size_t kMaxRequestBytes = 64 * 1024;
inline constexpr std::size_t kMaxReplyBytes = 64 * 1024 * 1024;
inline constexpr std::size_t kMaxWords = 256;

/// How a command ended.
enum class Status : char { kOk = 0, kFailed = 1, kWantsInput = 2 };
/// First byte of a reply frame and the text behind it.
struct ReplyText {
  Status status = Status::kOk;
  std::string text;
};

std::string encode_frame(std::string_view body);
/// Takes the first frame off `buffer`; nullopt while it is incomplete. A length above
/// `most_bytes` is kTooBig, known after four bytes.
Result<std::optional<std::string>> take_frame(std::string& buffer, std::size_t most_bytes);

/// Each word is itself a frame.
std::string encode_words(const std::vector<std::string>& words);
Result<std::vector<std::string>> decode_words(std::string body);

std::string encode_reply(Status status, std::string_view text);
Result<ReplyText> decode_reply(std::string_view body);

}  // namespace impulse::control
