// Written under a name of its own, synced, then renamed.
#include "index_store.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <trainhost/format.hpp>

#include "files/split.h"
#include "index_file.h"

namespace trainhost::tarshards {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".trainhost-index";

std::vector<std::byte> content_of(const fs::path& path) {
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

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(wrote));
  }
  return ::fsync(descriptor) == 0;
}

// Empty, or the words of the failure.
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

}  // namespace

std::vector<fs::path> IndexStore::places(const fs::path& path) const {
  std::error_code error;
  const std::string whole = fs::absolute(path, error).lexically_normal().string();
  const std::string unique = format("{}-{:x}{}", path.filename().string(), stable_hash(whole), kSuffix);  // shards of several folders share one folder
  if (!folder_.empty()) return {folder_ / unique};
  std::vector<fs::path> all{path.string() + kSuffix};
  if (!cache_folder_.empty()) all.push_back(cache_folder_ / "tarshards" / unique);
  return all;
}

std::optional<ShardIndex> IndexStore::load(const fs::path& path, const RangedFile& shard) const {
  for (const fs::path& place : places(path))
    if (auto index = read_index(content_of(place), shard.size(), shard.version())) return index;
  return std::nullopt;
}

std::string IndexStore::save(const fs::path& path, const RangedFile& shard, const ShardIndex& index) const {
  const std::vector<std::byte> bytes = write_index(index, shard.size(), shard.version());
  std::string words;
  for (const fs::path& place : places(path)) {
    const std::string failure = write_whole(place, bytes);
    if (failure.empty()) return {};
    words += (words.empty() ? "" : "; ") + failure;
  }
  return words;
}

}  // namespace trainhost::tarshards
