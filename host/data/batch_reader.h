// Reads samples from a source into one batch: memory of the device's choice, padding, checks of what came.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "base/batch.h"
#include "base/clock.h"
#include "data/cancellation.h"
#include "data/stage_seconds.h"
#include "data/staging.h"
#include "data/window.h"
#include "plugin/data_source.h"

namespace trainhost {

/// A batch and what it took.
struct ReadBatch {
  HostBatch batch;
  StageSeconds seconds;       // copy: into memory that the device reads from
  uint64_t memory_bytes = 0;  // of the staging memory, at most
};

/// `source` and `staging` outlive the reader. A field of varying shape is padded with its pad_value to the longest sample of the batch.
class BatchReader {
 public:
  /// `retry_seconds`: before the first retry of an UNAVAILABLE source; doubles with each of kMaxRetries.
  /// Throws Error(kPlugin) for a declaration that cannot be batched.
  BatchReader(const SampleSource& source, std::string set_name, Staging& staging, double retry_seconds = 0.2, Clock clock = monotonic_seconds);
  static constexpr int kMaxRetries = 5;

  /// `progress` is counted up whenever something happens. [io] several at once. Throws Error(kData) that names set, source, and the sample where it is known:
  /// damaged samples, integers that are no class, a source that stays unavailable; Error(kPlugin) for a source that leaves fields out; Error(kConfig) for a
  /// batch larger than the staging memory.
  ReadBatch read(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const;

  /// "data set train: data_source/tokens"
  const std::string& place() const { return place_; }

 private:
  ReadBatch read_with_retries(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const;
  ReadBatch read_once(const SampleList& samples, Cancellation& cancellation, std::atomic<uint64_t>& progress) const;
  [[noreturn]] void name_damaged_sample(const SampleList& samples, const std::string& message, Cancellation& cancellation, std::atomic<uint64_t>& progress) const;

  const SampleSource& source_;
  std::string set_;    // "data set train"
  std::string place_;
  Staging& staging_;
  double retry_seconds_;
  Clock clock_;
};

}  // namespace trainhost
