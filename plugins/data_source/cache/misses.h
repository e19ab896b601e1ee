// Where an upstream writes the samples that are not kept: into the host's batch, and, for a second look, into memory of their own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <trainhost/data_source.h>

#include "sample_content.h"

namespace trainhost::sample_cache {

/// Some samples of a batch. The upstream counts them from 0; the host knows them by their positions.
class MissWriter {
 public:
  MissWriter(const trainhost_batch_writer& batch, std::span<const size_t> positions, size_t num_fields)
      : batch_(batch), positions_(positions), num_fields_(num_fields), tensors_(positions.size() * num_fields) {}

  trainhost_batch_writer writer() { return {this, &reserve}; }
  /// What was reserved for a sample; data is NULL where nothing was.
  std::span<const trainhost_tensor> fields_of(size_t sample) const { return std::span(tensors_).subspan(sample * num_fields_, num_fields_); }

 private:
  static trainhost_status reserve(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error);

  const trainhost_batch_writer& batch_;
  std::span<const size_t> positions_;
  size_t num_fields_;
  std::vector<trainhost_tensor> tensors_;  // sample-major; different elements from different threads
};

/// Samples that nobody else sees.
class OwnWriter {
 public:
  OwnWriter(std::span<const FieldLayout> layouts, size_t num_samples) : layouts_(layouts), places_(num_samples * layouts.size()) {}

  trainhost_batch_writer writer() { return {this, &reserve}; }
  std::vector<trainhost_tensor> fields_of(size_t sample);

 private:
  struct FreeMemory {
    void operator()(void* memory) const;
  };
  struct OwnPlace {
    std::unique_ptr<void, FreeMemory> memory;
    std::vector<int64_t> shape, strides;
    trainhost_tensor tensor{};
  };
  static trainhost_status reserve(void* impl, uint64_t sample, uint32_t field, const int64_t* shape, trainhost_tensor* out, trainhost_error* error);

  std::span<const FieldLayout> layouts_;
  std::vector<OwnPlace> places_;
};

}  // namespace trainhost::sample_cache
