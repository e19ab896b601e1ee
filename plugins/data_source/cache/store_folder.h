// The folder of all kept samples: a folder for each data set, segments in it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "descriptor.h"
#include "segment.h"

namespace trainhost::sample_cache {

struct KeptSegment {
  std::filesystem::path path;
  uint64_t bytes = 0;   // with its index
  int64_t used_s = 0;   // since 1970
};

struct KeptSet {
  std::filesystem::path folder;
  std::string description;
  std::vector<KeptSegment> segments;  // in the order of their numbers
};

/// All data sets below `root`, in the order of their names; none when there is no such folder.
std::vector<KeptSet> kept_sets(const std::filesystem::path& root);
/// The segments of one folder, in the order of their numbers.
std::vector<std::filesystem::path> segment_paths(const std::filesystem::path& folder);

/// root/<32 hex digits of the key>.
std::filesystem::path set_folder(const std::filesystem::path& root, const Key& key);
inline constexpr const char* kDescriptionFile = "source.txt";

/// Held while segments are made and removed: one process at a time. Throws std::system_error when the folder cannot be written.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& root);

 private:
  Descriptor descriptor_;
};

struct Collected {
  uint64_t removed_segments = 0, removed_bytes = 0, left_bytes = 0;
};
/// Removes the segments that were not used for longest until the rest is at most `limit` bytes. What was used since `keep_since_s`, or is written now, stays.
/// Under a FolderLock.
Collected collect(const std::filesystem::path& root, uint64_t limit, int64_t keep_since_s);

/// Seconds since 1970.
int64_t unix_seconds();

}  // namespace trainhost::sample_cache
