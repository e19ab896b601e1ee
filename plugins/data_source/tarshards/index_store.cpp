// The first place that can be read, and the first that can be written.
#include "index_store.h"

#include <trainhost/format.hpp>

#include "files/input_file.h"
#include "files/split.h"
#include "files/whole_file.h"
#include "index_file.h"

namespace trainhost::tarshards {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSuffix = ".trainhost-index";

}  // namespace

bool is_index_name(const fs::path& path) { return path.native().ends_with(kSuffix); }

std::vector<fs::path> IndexStore::places(const fs::path& path) const {
  const std::string unique = format("{}-{:x}{}", path.filename().string(), stable_hash(whole_name(path)), kSuffix);  // shards of several folders share one folder
  if (!folder_.empty()) return {folder_ / unique};
  std::vector<fs::path> all;
  if (!is_object(path)) all.push_back(path.string() + kSuffix);
  if (!cache_folder_.empty()) all.push_back(cache_folder_ / "tarshards" / unique);
  return all;
}

std::optional<ShardIndex> IndexStore::load(const fs::path& path, const RangedFile& shard) const {
  for (const fs::path& place : places(path))
    if (auto index = read_index(read_whole(place), shard.size(), shard.version())) return index;
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
