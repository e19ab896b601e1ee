#include "files/whole_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/format.hpp>

namespace trainhost {
namespace {

namespace fs = std::filesystem;

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  return ::fsync(descriptor) == 0;
}

}  // namespace

std::vector<std::byte> read_whole(const fs::path& path) {
  std::vector<std::byte> bytes;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return bytes;
  std::ifstream in(path, std::ios::binary);
  bytes.resize(size);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

std::string write_whole(const fs::path& path, std::span<const std::byte> bytes) {
  std::error_code ignored;
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), ignored);  // a failure shows below
  std::string temporary = path.string() + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return format("{}: {}", path, std::strerror(errno));
  const bool is_written = ::fchmod(descriptor, 0644) == 0 && write_all(descriptor, bytes);
  const int write_error = errno;
  ::close(descriptor);
  if (is_written && ::rename(temporary.c_str(), path.c_str()) == 0) return {};
  const int error = is_written ? errno : write_error;
  ::unlink(temporary.c_str());
  return format("{}: {}", path, std::strerror(error));
}

}  // namespace trainhost
