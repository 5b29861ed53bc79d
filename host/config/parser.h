// Text of the configuration language to a tree of stanzas; follows include directives.
#pragma once

#include <string>
#include <vector>

#include "host/config/schema.h"
#include "host/config/tree.h"

namespace impulse::config {

/// What reading a file gave: the merged tree, and every mistake of syntax or missing file. With
/// mistakes the tree holds what could be read, so that the schema may report the rest as well.
struct Parsed {
  std::unique_ptr<Node> root;
  std::vector<Problem> problems;
  std::vector<std::string> files;  ///< every file read, in order
};

/// Reads `path` and all that it includes (relative to the including file first, then
/// `search_path`; a directory gives its non-hidden files in lexical order). Any thread; blocks.
Parsed parse_file(const std::string& path, const std::vector<std::string>& search_path = {});

/// The same for text in memory (tests, fuzzing); includes resolve relative to `base_directory`.
Parsed parse_text(std::string_view text, const std::string& file_name,
                  const std::string& base_directory = ".");

}  // namespace impulse::config
