// Tests of host/module/loader.cc, with small modules built for them.
#include "host/module/loader.h"

#include <gtest/gtest.h>

namespace impulse {
namespace {

std::string names_of(const Loader& loader) {
  std::string names;
  for (const auto& loaded : loader.modules()) names += std::string(loaded->descriptor->name) + " ";
  return names;
}

class LoadingModules : public testing::Test {
 protected:
  void expect_refusal(const std::string& name, const std::string& reason) {
    auto loaded = loader_.load({name});
    ASSERT_FALSE(loaded) << name;
    EXPECT_NE(loaded.error().what.find("module " + name), std::string::npos) << loaded.error().what;
    EXPECT_NE(loaded.error().what.find(reason), std::string::npos) << loaded.error().what;
    EXPECT_EQ(names_of(loader_), "");
  }
  Loader loader_{IMPULSE_TEST_MODULES};
};

TEST_F(LoadingModules, NeededOnesComeFirstWhateverTheOrderOfStanzas) {
  auto loaded = loader_.load({"user", "base"});
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(names_of(loader_), "base user bridge ");
}

TEST_F(LoadingModules, CompanionStaysAwayUntilItsNeedsAreThere) {
  ASSERT_TRUE(loader_.load({"base"}));
  EXPECT_EQ(names_of(loader_), "base ");
  ASSERT_TRUE(loader_.load({"base", "user"}));
  EXPECT_EQ(names_of(loader_), "base user bridge ");
}

TEST_F(LoadingModules, OnesThatAreThereStayAsTheyAre) {
  ASSERT_TRUE(loader_.load({"base", "user"}));
  const LoadedModule* before = loader_.find("base");
  ASSERT_TRUE(loader_.load({"base"}));
  EXPECT_EQ(loader_.find("base"), before);
  EXPECT_EQ(names_of(loader_), "base user bridge ");
}

TEST_F(LoadingModules, OtherInterfaceIsRefused) {
  expect_refusal("old", "was built for module interface 0");
}

TEST_F(LoadingModules, OtherCompilerIsRefused) {
  expect_refusal("foreign", "was built with \"cc 1.0\"");
}

TEST_F(LoadingModules, FileNamedUnlikeItsModuleIsRefused) {
  expect_refusal("misnamed", "calls itself \"other\"");
}

TEST_F(LoadingModules, MissingNeedIsToldWithWhoNeedsIt) {
  auto loaded = loader_.load({"lonely"});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().what.find("module missing (needed by lonely): no module file"),
            std::string::npos)
      << loaded.error().what;
}

TEST_F(LoadingModules, CircleIsToldAsOne) {
  auto loaded = loader_.load({"left"});
  ASSERT_FALSE(loaded);
  EXPECT_NE(loaded.error().what.find("left -> right -> left"), std::string::npos)
      << loaded.error().what;
}

TEST_F(LoadingModules, OneBadModuleKeepsAllAway) {
  ASSERT_FALSE(loader_.load({"base", "old"}));
  EXPECT_EQ(names_of(loader_), "");
}

TEST_F(LoadingModules, NameThatIsNoModuleNameIsNeverAFile) {
  EXPECT_TRUE(loader_.exists("base"));
  EXPECT_FALSE(loader_.exists("nothing"));
  EXPECT_FALSE(loader_.exists(""));
  EXPECT_FALSE(loader_.exists("../.libs/base"));
  EXPECT_FALSE(loader_.exists("Base"));
}

TEST(ModuleDescriptorCheck, OtherMagicIsNoDescriptor) {
  ModuleDescriptor descriptor{.magic = 7};
  EXPECT_FALSE(check_descriptor(descriptor, "x"));
}

TEST(ModuleDescriptorCheck, ModuleWithoutStartIsRefused) {
  ModuleDescriptor descriptor{.name = "x"};
  auto checked = check_descriptor(descriptor, "x");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().what, "has no start function");
}

}  // namespace
}  // namespace impulse
