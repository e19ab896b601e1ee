// The C tables of data sources as a C++ class: status -> Error, answers checked.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/data_source.h>

#include "base/batch.h"
#include "plugin/instance.h"

namespace trainhost {

struct SourceInfo {
  std::vector<FieldSpec> fields;       // 1 to 64
  uint64_t num_samples = 0;            // at least 1
  std::vector<uint64_t> block_starts;  // ascending, the first is 0; never empty: one block is {0}
  std::array<uint8_t, 32> fingerprint{};
};

/// Where a read puts its samples; implemented by the data room. [io] different (sample, field) from different threads.
class BatchWriter {
 public:
  virtual ~BatchWriter() = default;
  /// Fills `out` with dense, 64-byte aligned CPU memory for one field of one sample. Index, field and shape were checked against the declaration
  /// before; each (sample, field) coming once, and all of them coming, is the writer's to check. May throw Error: the plugin sees INVALID_ARGUMENT.
  virtual void reserve(uint64_t sample_index, uint32_t field, std::span<const int64_t> shape, trainhost_tensor& out) = 0;
};

/// One part of a mixture, as a SampleSource.
struct MixturePart {
  std::string name;
  double weight = 1;
  uint64_t first_id = 0, num_samples = 0;
  std::vector<uint64_t> block_starts;  // counted from first_id
};

/// Numbered samples: one data source, or several that are one to their reader.
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  /// The same answer each time. [any]
  virtual const SourceInfo& info() const = 0;
  /// `ids` and `random_keys` have the same length. Several threads at once. Errors of the plugin are PluginCallError with exit code kData. [io]
  virtual void read(std::span<const uint64_t> ids, std::span<const uint64_t> random_keys, BatchWriter& writer) const = 0;
  virtual bool has_lengths() const = 0;
  /// Target elements of each sample. Only with has_lengths(). [io]
  virtual std::vector<uint64_t> lengths(std::span<const uint64_t> ids) const = 0;
  /// "data_source/tokens"
  virtual std::string name() const = 0;
  /// How messages call a sample. [any]
  virtual std::string id_text(uint64_t id) const { return format("{}", id); }
  /// Of a mixture; one source has none. [any]
  virtual std::vector<MixturePart> parts() const { return {}; }
  /// See Instance::leave_behind(). [any]
  virtual void leave_behind() const = 0;
};

/// Borrowed view of an instance.
class DataSource final : public SampleSource {
 public:
  explicit DataSource(Instance& instance);

  /// Asks the plugin the first time and checks the answer. Call it once on [main] after start; later calls [any].
  const SourceInfo& info();
  const SourceInfo& info() const override { return info_; }
  /// What the model takes, by the source's names of the fields; batches are checked against it from then on. After info(), before the first read. [main]
  void limit_values(std::span<const ValueLimit> limits);

  void read(std::span<const uint64_t> ids, std::span<const uint64_t> random_keys, BatchWriter& writer) const override;
  bool has_lengths() const override { return lengths_.lengths != nullptr; }
  std::vector<uint64_t> lengths(std::span<const uint64_t> ids) const override;
  std::string name() const override { return instance_.full_name(); }
  void leave_behind() const override { instance_.leave_behind(); }

  bool has_text() const { return text_.encode != nullptr; }
  /// Only with has_text(). [any] after start
  std::vector<int64_t> encode(std::string_view text) const;
  /// May end in the middle of a character.
  std::string decode(std::span<const int64_t> tokens) const;

  const Instance& instance() const { return instance_; }

 private:
  Instance& instance_;
  trainhost_data_source table_;
  trainhost_data_lengths lengths_{};
  trainhost_text text_{};
  SourceInfo info_;
};

}  // namespace trainhost
