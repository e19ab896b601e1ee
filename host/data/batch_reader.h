// Reads samples from a source into one batch: memory of the device's choice, padding, checks of what came.
#pragma once
#include <memory>
#include <string>

#include "base/batch.h"
#include "data/cancellation.h"
#include "data/window.h"
#include "plugin/data_source.h"

namespace trainhost {

/// `source` and `device` outlive the reader. A field of varying shape is padded with its pad_value to the longest sample of the batch.
class BatchReader {
 public:
  /// `retry_seconds`: before the first retry of an UNAVAILABLE source; doubles with each of kMaxRetries.
  /// Throws Error(kPlugin) for a declaration that cannot be batched.
  BatchReader(DataSource& source, std::string set_name, BatchDevice& device, double retry_seconds = 0.2);
  static constexpr int kMaxRetries = 5;

  /// [io] several at once. Throws Error(kData) that names set, source, and the sample where it is known: damaged samples, integers that are no class,
  /// a source that stays unavailable; Error(kPlugin) for a source that leaves fields out.
  HostBatch read(const SampleList& samples, Cancellation& cancellation) const;

 private:
  HostBatch read_with_retries(const SampleList& samples, Cancellation& cancellation) const;
  HostBatch read_once(const SampleList& samples, Cancellation& cancellation) const;
  [[noreturn]] void name_damaged_sample(const SampleList& samples, const std::string& message, Cancellation& cancellation) const;

  DataSource& source_;
  std::string place_;  // "data set train"
  BatchDevice& device_;
  double retry_seconds_;
};

}  // namespace trainhost
