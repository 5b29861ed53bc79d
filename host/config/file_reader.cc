// Reads configuration files within bounds, and lists folders.
#include "host/config/file_reader.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "host/base/owned.h"

namespace impulse::config {
namespace {

using FolderPtr = Owned<DIR, &::closedir>;

Error system_error() {
  const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable;
  return Error{code, std::generic_category().message(errno)};
}

}  // namespace

Result<FileText> read_file(const std::string& path) {
  // Not blocking: a pipe under this name must not stop the server.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return system_error();
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return system_error();
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::kInvalid, "must be a file of text"};
  FileText file{"", status.st_dev, status.st_ino};
  char part[65536];
  for (;;) {
    const ssize_t length = ::read(fd.get(), part, sizeof part);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return system_error();
    if (length == 0) return file;
    file.text.append(part, static_cast<std::size_t>(length));
    if (file.text.size() > kMostFileBytes) {
      return Error{ErrorCode::kTooBig, "larger than 16 MiB: no configuration is"};
    }
  }
}

PathKind kind_of_path(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    return errno == ENOENT || errno == ENOTDIR ? PathKind::kMissing : PathKind::kFile;
  }
  return S_ISDIR(status.st_mode) ? PathKind::kFolder : PathKind::kFile;
}

Result<std::vector<std::string>> files_of_folder(const std::string& path) {
  const FolderPtr folder(::opendir(path.c_str()));
  if (folder == nullptr) return system_error();
  std::vector<std::string> files;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] == '.') continue;
    std::string file = path + (path.ends_with('/') ? "" : "/") + entry->d_name;
    if (kind_of_path(file) == PathKind::kFile) files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace impulse::config
