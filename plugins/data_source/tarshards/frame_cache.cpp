// The least recently used goes first.
#include "frame_cache.h"

#include <algorithm>

namespace trainhost::tarshards {
namespace {

// Small frames count as larger ones, so that the list stays short.
uint64_t weight(const FrameCache::Content& content) { return std::max<uint64_t>(content->size(), 65536); }

}  // namespace

uint64_t FrameCache::number_of_new_file() {
  const std::lock_guard lock(mutex_);
  return num_files_++;
}

FrameCache::Content FrameCache::find(uint64_t file, uint64_t frame) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.file == file && entry.frame == frame; });
  if (found == entries_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found);
  return found->content;
}

void FrameCache::keep(uint64_t file, uint64_t frame, Content content) {
  std::list<Entry> gone;  // freed without the lock
  const std::lock_guard lock(mutex_);
  bytes_ += weight(content);
  entries_.push_front({file, frame, std::move(content)});
  while (bytes_ > most_bytes_ && entries_.size() > 1) {
    bytes_ -= weight(entries_.back().content);
    gone.splice(gone.begin(), entries_, std::prev(entries_.end()));
  }
}

}  // namespace trainhost::tarshards
