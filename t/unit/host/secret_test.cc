// Tests of host/aaa/secret.h: text that wipes itself.
#include "host/aaa/secret.h"

#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <type_traits>

namespace impulse::aaa {
namespace {

constexpr std::string_view kShort = "s3cret";
constexpr std::string_view kLong = "correct horse battery staple, and then some more";

TEST(Secret, CopiesOnlyByClone) {
  static_assert(!std::is_copy_constructible_v<Secret>);
  static_assert(!std::is_copy_assignable_v<Secret>);
  static_assert(std::is_nothrow_move_constructible_v<Secret>);
  Secret secret(kLong);
  Secret clone = secret.clone();
  EXPECT_EQ(clone.reveal(), kLong);
  EXPECT_EQ(secret.reveal(), kLong);
  EXPECT_NE(static_cast<const void*>(clone.reveal().data()),
            static_cast<const void*>(secret.reveal().data()));
}

TEST(Secret, MovesAndLeavesNothingBehind) {
  for (const std::string_view text : {kShort, kLong}) {
    Secret from(text);
    Secret to(std::move(from));
    EXPECT_EQ(to.reveal(), text);
    EXPECT_TRUE(from.empty());  // NOLINT: what is left is the point
    Secret assigned("other");
    assigned = std::move(to);
    EXPECT_EQ(assigned.reveal(), text);
    EXPECT_TRUE(to.empty());  // NOLINT
  }
}

// A short text lies inside the object, where its bytes can be looked at afterwards.
TEST(Secret, DestroyingItWipesItsBytes) {
  alignas(Secret) unsigned char memory[sizeof(Secret)] = {};
  auto* secret = new (memory) Secret(kShort);
  const std::string before(reinterpret_cast<char*>(memory), sizeof memory);
  ASSERT_NE(before.find(kShort), std::string::npos);
  std::destroy_at(secret);
  const volatile unsigned char* look = memory;
  std::string after;
  for (std::size_t i = 0; i < sizeof memory; ++i) after += static_cast<char>(look[i]);
  EXPECT_EQ(after.find(kShort), std::string::npos);
}

TEST(Secret, IsEmptyOrNot) {
  EXPECT_TRUE(Secret().empty());
  EXPECT_FALSE(Secret("x").empty());
}

}  // namespace
}  // namespace impulse::aaa
