// Frames of compressed shards that were decompressed lately.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace trainhost::tarshards {

/// Shared by all shards, so that its size bounds all of them. All functions [any].
class FrameCache {
 public:
  explicit FrameCache(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  using Content = std::shared_ptr<const std::vector<std::byte>>;  // shared: a reader may still copy out of what has made room for others

  /// A number for a file, which no other one has had.
  uint64_t number_of_new_file();
  /// Nothing when it is not there.
  Content find(uint64_t file, uint64_t frame);
  void keep(uint64_t file, uint64_t frame, Content content);

 private:
  struct Entry {
    uint64_t file, frame;
    Content content;
  };

  const uint64_t most_bytes_;
  std::mutex mutex_;
  uint64_t bytes_ = 0, num_files_ = 0;
  std::list<Entry> entries_;  // the one used last comes first; few, so that they are looked through
};

}  // namespace trainhost::tarshards
