// A source whose samples are kept: hits come out of the store, misses out of the upstream and into the store.
#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <trainhost/cpp/host.hpp>
#include <trainhost/data_source.h>

#include "sample_content.h"
#include "sample_store.h"

namespace trainhost::sample_cache {

class KeptSource {
 public:
  struct Place {
    std::filesystem::path root;
    uint64_t limit_bytes = 0;
  };

  /// Asks the upstream what it is. Where its samples must not be kept, says so in the log, and every read goes through.
  KeptSource(const Host& host, Upstream<trainhost_data_source> upstream, Place place);
  /// Says what it was good for.
  ~KeptSource();

  /// Throws what the upstream fails with. [io]
  void read(const trainhost_read& wanted, const trainhost_batch_writer& batch);

 private:
  void open(Place place);
  bool give(uint64_t id, size_t position, const trainhost_batch_writer& batch, std::vector<std::byte>& record);
  void read_misses(const trainhost_read& wanted, std::span<const size_t> positions, const trainhost_batch_writer& batch);
  void look_again(std::span<const uint64_t> ids, std::span<const uint64_t> keys, const std::vector<std::vector<std::byte>>& first);
  void tell();
  void tell_now();

  const Host& host_;
  Upstream<trainhost_data_source> upstream_;
  std::vector<FieldLayout> layouts_;
  std::unique_ptr<SampleStore> store_;      // null: every read goes through
  std::once_flag second_look_;
  std::atomic<bool> is_drawn_ = false;      // the source was caught: its samples depend on their keys
  std::atomic<uint64_t> hits_ = 0, misses_ = 0;
  std::atomic<int64_t> told_ms_ = 0;
  std::atomic<uint64_t> told_samples_ = 0;
};

}  // namespace trainhost::sample_cache
