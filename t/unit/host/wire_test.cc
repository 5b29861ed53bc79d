// Tests of host/control/wire.cc.
#include "host/control/wire.h"

#include <gtest/gtest.h>

namespace impulse::control {
namespace {

TEST(ConsoleFrame, ComesOutAsItWentInByteByByte) {
  const std::string sent = encode_frame(std::string_view("a\0b", 3));
  std::string buffer;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    auto early = take_frame(buffer, 10);
    ASSERT_TRUE(early);
    EXPECT_FALSE(early->has_value());
    buffer += sent[i];
  }
  auto frame = take_frame(buffer, 10);
  ASSERT_TRUE(frame && frame->has_value());
  EXPECT_EQ(**frame, std::string_view("a\0b", 3));
  EXPECT_TRUE(buffer.empty());
}

TEST(ConsoleFrame, TooLongIsKnownFromItsLengthAlone) {
  std::string buffer("\xff\xff\xff\xff", 4);
  auto frame = take_frame(buffer, kMaxRequestBytes);
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, ErrorCode::kTooBig);
}

TEST(ConsoleFrame, WhatFollowsStaysInTheBuffer) {
  std::string buffer = encode_frame("one") + encode_frame("two");
  EXPECT_EQ(**take_frame(buffer, 10), "one");
  EXPECT_EQ(**take_frame(buffer, 10), "two");
}

TEST(ConsoleWords, RoundTrip) {
  const std::vector<std::string> words = {"user", "", "with space", "line\nbreak"};
  auto decoded = decode_words(encode_words(words));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, words);
}

TEST(ConsoleWords, CutOffWordIsRefused) {
  std::string body = encode_words({"version"});
  body.pop_back();
  EXPECT_FALSE(decode_words(body));
  EXPECT_FALSE(decode_words("ab"));
}

TEST(ConsoleWords, TooManyAreRefused) {
  EXPECT_TRUE(decode_words(encode_words(std::vector<std::string>(kMaxWords, ""))));
  EXPECT_FALSE(decode_words(encode_words(std::vector<std::string>(kMaxWords + 1, ""))));
}

TEST(ConsoleReply, RoundTrip) {
  std::string frame = encode_reply(Status::kFailed, "no such file");
  auto body = take_frame(frame, 100);
  ASSERT_TRUE(body && body->has_value());
  auto reply = decode_reply(**body);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, Status::kFailed);
  EXPECT_EQ(reply->text, "no such file");
}

TEST(ConsoleReply, UnknownStatusIsRefused) {
  EXPECT_FALSE(decode_reply(""));
  EXPECT_FALSE(decode_reply("\x03x"));
  EXPECT_FALSE(decode_reply("\xffx"));
}

}  // namespace
}  // namespace impulse::control
