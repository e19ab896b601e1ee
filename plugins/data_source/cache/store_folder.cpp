// Lists and removes; what is in a segment is not looked at.
#include "store_folder.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <trainhost/format.hpp>

namespace trainhost::sample_cache {
namespace {

namespace fs = std::filesystem;

KeptSegment look_at(const fs::path& path) {
  KeptSegment segment{path, 0, 0};
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return segment;
  segment.bytes = static_cast<uint64_t>(status.st_size);
  segment.used_s = std::max<int64_t>(status.st_atim.tv_sec, status.st_mtim.tv_sec);
  if (::stat(index_path(path).c_str(), &status) == 0) segment.bytes += static_cast<uint64_t>(status.st_size);
  return segment;
}

std::string description_of(const fs::path& folder) {
  std::ifstream in(folder / kDescriptionFile);
  std::string line;
  std::getline(in, line);
  return line;
}

// Whoever writes it keeps it.
bool remove_segment(const fs::path& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor || ::flock(descriptor.number(), LOCK_EX | LOCK_NB) != 0) return false;
  std::error_code ignored;
  fs::remove(index_path(path), ignored);
  return ::unlink(path.c_str()) == 0;
}

void remove_if_empty(const fs::path& folder) {
  std::error_code ignored;
  if (!segment_paths(folder).empty()) return;
  fs::remove(folder / kDescriptionFile, ignored);
  fs::remove(folder, ignored);
}

}  // namespace

int64_t unix_seconds() { return static_cast<int64_t>(std::time(nullptr)); }

std::vector<fs::path> segment_paths(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), last; !error && entry != last; entry.increment(error))
    if (entry->path().extension() == Segment::kSuffix) paths.push_back(entry->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<KeptSet> kept_sets(const fs::path& root) {
  std::vector<KeptSet> sets;
  std::error_code error;
  for (fs::directory_iterator entry(root, error), last; !error && entry != last; entry.increment(error)) {
    std::error_code no_folder;
    if (!entry->is_directory(no_folder)) continue;
    KeptSet set{entry->path(), description_of(entry->path()), {}};
    for (const fs::path& path : segment_paths(set.folder)) set.segments.push_back(look_at(path));
    if (!set.segments.empty()) sets.push_back(std::move(set));
  }
  std::sort(sets.begin(), sets.end(), [](const KeptSet& a, const KeptSet& b) { return a.folder < b.folder; });
  return sets;
}

fs::path set_folder(const fs::path& root, const Key& key) {
  std::string name;
  for (size_t i = 0; i < 16; ++i) name += format("{:02x}", key[i]);
  return root / name;
}

FolderLock::FolderLock(const fs::path& root) : descriptor_(::open((root / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  int result = descriptor_ ? 0 : -1;
  while (result == 0 && (result = ::flock(descriptor_.number(), LOCK_EX)) != 0 && errno == EINTR) result = 0;
  if (result != 0) throw std::system_error(errno, std::generic_category(), (root / "lock").string());
}

Collected collect(const fs::path& root, uint64_t limit, int64_t keep_since_s) {
  std::vector<KeptSegment> segments;
  Collected done;
  for (const KeptSet& set : kept_sets(root))
    for (const KeptSegment& segment : set.segments) {
      segments.push_back(segment);
      done.left_bytes += segment.bytes;
    }
  std::stable_sort(segments.begin(), segments.end(), [](const KeptSegment& a, const KeptSegment& b) { return a.used_s < b.used_s; });
  for (const KeptSegment& segment : segments) {
    if (done.left_bytes <= limit || segment.used_s >= keep_since_s) break;
    if (!remove_segment(segment.path)) continue;
    remove_if_empty(segment.path.parent_path());
    done.removed_segments += 1;
    done.removed_bytes += segment.bytes;
    done.left_bytes -= segment.bytes;
  }
  return done;
}

}  // namespace trainhost::sample_cache
