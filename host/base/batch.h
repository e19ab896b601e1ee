// Batches on their way from a source to the device, and the small device interface that the data room is given.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <trainhost/types.h>

namespace trainhost {

/// One field of a data set, as the source declares it (trainhost/data_source.h). Shapes are of one sample.
struct FieldSpec {
  std::string name;
  int32_t role = 0;
  trainhost_dtype dtype{};
  std::vector<int64_t> shape, max_shape;
  int64_t num_classes = 0;
  double pad_value = 0;
  // What the model takes of a field of integers, where that is less than the source declares: values in [0, model_classes), and these others.
  // 0: whatever is declared.
  int64_t model_classes = 0;
  std::vector<double> model_others = {};
};

/// What a model takes of one of its fields: values in [0, num_classes), the field's pad_value where takes_pad_value, and a value of the model's own.
struct ValueLimit {
  std::string field;
  int64_t num_classes = 0;
  bool takes_pad_value = false;
  std::optional<double> ignored_value = {};
};

/// One field of a batch: dense, row-major, first dimension = samples.
struct HostField {
  trainhost_dtype dtype{};
  std::vector<int64_t> shape;
  std::byte* data = nullptr;
  size_t bytes = 0;
};

/// Fields in the order of the source's declaration. `memory` keeps every field's bytes alive.
struct HostBatch {
  std::vector<HostField> fields;
  uint64_t num_samples = 0;
  uint64_t num_targets = 0;  // upper bound of the targets that count in the loss (padding included where it is not known)
  std::shared_ptr<void> memory;
};

/// A batch that lives on the device, or is on its way there; only the engine looks inside.
class DeviceBatch {
 public:
  virtual ~DeviceBatch() = default;
  uint64_t num_samples = 0;
  uint64_t num_targets = 0;
};

/// What the data room needs of the device. Implemented by the engine, injected by the loop. [any], several threads at once.
class BatchDevice {
 public:
  virtual ~BatchDevice() = default;
  /// 64-byte aligned memory, page-locked where the device wants it. Throws Error(kOutOfMemory).
  virtual std::shared_ptr<std::byte> allocate(size_t bytes) = 0;
  /// What allocate(bytes) takes of the host's memory.
  virtual size_t allocated_bytes(size_t bytes) const { return (bytes + 63) / 64 * 64; }
  /// Starts the copy to the device on a stream of its own; returns without waiting for it.
  virtual std::unique_ptr<DeviceBatch> upload(HostBatch batch) = 0;
  /// Gives back the host memory of batches whose copies have been made since; the next upload() does so too.
  virtual void release_copied() {}
};

}  // namespace trainhost
