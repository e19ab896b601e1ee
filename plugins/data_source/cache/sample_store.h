// The kept samples of one data set, which several processes share: each appends to a segment of its own and reads those of all.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "segment.h"

namespace trainhost::sample_cache {

/// Milliseconds of a clock that is never set.
int64_t steady_ms();

/// All failures of the disk stay inside: a sample that cannot be read is one that is not kept, and where nothing can be written any more, the store says so once
/// and keeps no more.
class SampleStore {
 public:
  struct Options {
    std::filesystem::path root;
    Key key{};
    std::string description;   // of the data set, for people
    uint64_t limit_bytes = 0;  // of all data sets together
  };
  using Say = std::function<void(const std::string&)>;

  /// Opens what is there. `warn` hears of damage and of a store that keeps no more; [any].
  SampleStore(Options options, Say warn);
  ~SampleStore();

  uint64_t num_samples() const;

  /// Content of a sample, behind Segment::kRecordHeaderBytes of room. False when it is not kept. [any]
  bool read(uint64_t id, std::vector<std::byte>& record);
  /// Keeps a sample: `record` as read() fills it. [any]
  void append(uint64_t id, std::vector<std::byte>& record);
  bool is_keeping() const { return is_keeping_; }

  uint64_t appended_bytes() const { return appended_bytes_; }
  uint64_t damaged() const { return damaged_; }

 private:
  struct Place {
    Segment* segment;
    Record record;
  };

  void take(Segment& segment, const std::vector<Record>& records);
  void refresh();
  bool find(uint64_t id, Place& place);
  void drop(Segment& segment, uint64_t id);
  Segment* segment_for(uint64_t bytes);
  void set_own(Segment* segment);
  bool adopt(uint64_t bytes);
  void create(uint64_t bytes);
  void close_own();
  void keep_no_more(const std::string& reason);

  Options options_;
  Say warn_;
  uint64_t segment_bytes_;
  int64_t started_s_;
  std::atomic<bool> is_keeping_ = true;
  std::atomic<uint64_t> appended_bytes_ = 0, damaged_ = 0;

  mutable std::shared_mutex mutex_;                    // of what follows
  std::vector<std::unique_ptr<Segment>> segments_;     // none is freed before the store: readers may be in it
  std::vector<std::filesystem::path> opened_;          // of segments_, and of files that were none
  std::unordered_map<uint64_t, Place> places_;
  std::vector<const Segment*> dropped_;

  std::mutex refresh_mutex_;
  std::atomic<int64_t> refreshed_ms_ = 0;
  std::mutex append_mutex_;
  Segment* own_ = nullptr;  // which this store appends to; see set_own()
  uint64_t own_records_ = 0;
};

}  // namespace trainhost::sample_cache
