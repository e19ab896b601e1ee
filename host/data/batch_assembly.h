// The memory of one batch while a source fills it.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/batch.h"
#include "plugin/data_source.h"

namespace trainhost {

/// Throws Error(kPlugin) for a number format or pad_value that cannot be batched. `place` begins the message.
void check_field(const FieldSpec& field, const std::string& place);

/// A source writes straight into the batch where every row is 64-byte aligned, else into room of its own that finish() gathers.
/// Lives for one read call; `fields` and `ids` outlive it.
class BatchAssembly : public BatchWriter {
 public:
  BatchAssembly(std::span<const FieldSpec> fields, std::span<const uint64_t> ids, std::string place, BatchDevice& device);

  /// Throws Error(kPlugin) when (sample, field) comes twice.
  void reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) override;

  /// Checks that all has come and that integers are classes and such as the model takes; pads; gives the batch away. Throws Error(kPlugin), Error(kData).
  HostBatch finish();

 private:
  struct Slot {
    std::atomic<bool> is_taken = false;
    std::byte* data = nullptr;
    std::vector<int64_t> shape, strides;
    std::shared_ptr<std::byte> room;  // where the sample is not written in place
  };

  Slot& slot(uint64_t sample_index, size_t field) { return slots_[sample_index * fields_.size() + field]; }
  void check_slot(uint64_t sample_index, size_t field);
  void check_model_takes(uint64_t sample_index, const FieldSpec& spec, const Slot& place) const;
  void check_model_takes_padding(const FieldSpec& spec, const Slot& place, std::span<const int64_t> row_shape) const;
  HostField gather(size_t field);
  std::vector<int64_t> batch_shape(size_t field);

  std::span<const FieldSpec> fields_;
  std::span<const uint64_t> ids_;
  std::string place_;
  BatchDevice& device_;
  std::vector<Slot> slots_;                         // sample-major
  std::vector<std::shared_ptr<std::byte>> memory_;  // a field's part of the batch; null until gather() where rows are not written in place
};

}  // namespace trainhost
