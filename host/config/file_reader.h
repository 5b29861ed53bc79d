// Reads configuration files within bounds, and lists folders.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "host/base/result.h"

namespace impulse::config {

inline constexpr std::size_t kMostFileBytes = 16U * 1024 * 1024;

/// A file's text, and what tells that it is the same file under another name.
struct FileText {
  std::string text;
  dev_t device = 0;
  ino_t inode = 0;
};

/// Reads a regular file. The error says why not, without the path. Blocks.
Result<FileText> read_file(const std::string& path);

enum class PathKind { kMissing, kFile, kFolder };
PathKind kind_of_path(const std::string& path);

/// The paths of the files in a folder that are not hidden, in lexical order; no sub-folders.
Result<std::vector<std::string>> files_of_folder(const std::string& path);

/// The folder part: "/etc/impulse" of "/etc/impulse/impulse.conf", "." of "impulse.conf".
std::string folder_of(const std::string& path);

}  // namespace impulse::config
