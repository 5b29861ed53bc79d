// Tests that docs/hooks.md shows the hook table as it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "modules/xmpp/commands.h"

namespace impulse::xmpp {
namespace {

TEST(HooksPage, HoldsTheTableOfTheEngine) {
  std::ifstream in(IMPULSE_HOOKS_PAGE, std::ios::binary);
  ASSERT_TRUE(in) << IMPULSE_HOOKS_PAGE << " cannot be read";
  std::ostringstream text;
  text << in.rdbuf();
  std::string table;
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("|")) table += line + "\n";
  }
  EXPECT_EQ(table, hooks_markdown())
      << "replace the table of docs/hooks.md by what `impulsectl xmpp hooks` prints";
}

}  // namespace
}  // namespace impulse::xmpp
