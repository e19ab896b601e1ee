// The memory of one batch while a source fills it.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/batch.h"
#include "data/staging.h"
#include "plugin/data_source.h"

namespace trainhost {

/// Throws Error(kPlugin) for a number format or pad_value that cannot be batched. `place` begins the message.
void check_field(const FieldSpec& field, const std::string& place);

/// What a batch takes of `staging` while it is filled, at most; nullopt where a field varies in size without a bound.
std::optional<uint64_t> most_batch_bytes(std::span<const FieldSpec> fields, uint64_t num_samples, const Staging& staging);

/// A source writes straight into the batch where every row is 64-byte aligned, else into room of its own that finish() gathers.
/// Lives for one read call; `source`, `ids`, `staging` and `progress` outlive it.
class BatchAssembly : public BatchWriter {
 public:
  /// `progress` is counted up with each sample that is begun. Throws Error(kConfig) when the batch alone is larger than the limit of `staging`.
  BatchAssembly(const SampleSource& source, std::span<const uint64_t> ids, std::string place, Staging& staging, std::atomic<uint64_t>& progress);

  /// Throws Error(kPlugin) when (sample, field) comes twice, Error(kConfig) as the constructor.
  void reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) override;

  /// Checks that all has come and that integers are classes and such as the model takes; pads; gives the batch away. Throws Error(kPlugin), Error(kData).
  HostBatch finish();

  /// Of `staging`, so far.
  uint64_t bytes() const { return bytes_; }

 private:
  struct Slot {
    std::atomic<bool> is_taken = false;
    std::byte* data = nullptr;
    std::vector<int64_t> shape, strides;
    std::shared_ptr<std::byte> room;  // where the sample is not written in place
  };

  enum class Use { kBatch, kSample };
  std::shared_ptr<std::byte> take(Use use, uint64_t bytes);
  Slot& slot(uint64_t sample_index, size_t field) { return slots_[sample_index * fields_.size() + field]; }
  void check_slot(uint64_t sample_index, size_t field);
  void check_model_takes(uint64_t sample_index, const FieldSpec& spec, const Slot& place) const;
  void check_model_takes_padding(const FieldSpec& spec, const Slot& place, std::span<const int64_t> row_shape) const;
  HostField gather(size_t field);
  std::vector<int64_t> batch_shape(size_t field);

  const SampleSource& source_;
  std::span<const FieldSpec> fields_;
  std::span<const uint64_t> ids_;
  std::string place_;
  Staging& staging_;
  std::atomic<uint64_t>& progress_;
  std::atomic<uint64_t> bytes_ = 0;
  std::vector<Slot> slots_;                         // sample-major
  std::vector<std::shared_ptr<std::byte>> memory_;  // a field's part of the batch; null until gather() where rows are not written in place
};

}  // namespace trainhost
