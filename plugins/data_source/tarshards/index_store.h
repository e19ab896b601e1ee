// Where indexes are kept between runs.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "files/ranged_file.h"
#include "shard_index.h"

namespace trainhost::tarshards {

/// Whether a name is that of an index: a pattern such as "shards/*" finds them too.
bool is_index_name(const std::filesystem::path& path);

/// One index file for each shard: in `folder` if one is given, else beside the shard, or, where that cannot be written or the shard is an object, in `cache_folder`. A file appears whole or
/// not at all, whoever else writes it at the same time.
class IndexStore {
 public:
  IndexStore(std::filesystem::path folder, std::filesystem::path cache_folder) : folder_(std::move(folder)), cache_folder_(std::move(cache_folder)) {}

  /// Nothing when there is none, or none that fits size and version of the shard. `path`: of the shard. [any]
  std::optional<ShardIndex> load(const std::filesystem::path& path, const RangedFile& shard) const;

  /// Empty when it is kept, else why nobody could write it. [any]
  std::string save(const std::filesystem::path& path, const RangedFile& shard, const ShardIndex& index) const;

 private:
  std::vector<std::filesystem::path> places(const std::filesystem::path& path) const;

  std::filesystem::path folder_, cache_folder_;
};

}  // namespace trainhost::tarshards
