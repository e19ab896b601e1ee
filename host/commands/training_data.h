// The training set of a job, opened without a run: its source, and the order that a run reads it in.
#pragma once
#include <memory>
#include <string>

#include "commands/job.h"
#include "data/batch_reader.h"
#include "data/sample_order.h"
#include "data/staging.h"
#include "data/window.h"
#include "ledger/ledger.h"
#include "loop/run_plugins.h"
#include "loop/run_state.h"
#include "loop/training_source.h"
#include "plugin/data_source.h"

namespace trainhost {

/// Memory of the host, 64-byte aligned; nothing goes to a device.
class HostMemory final : public BatchDevice {
 public:
  std::shared_ptr<std::byte> allocate(size_t bytes) override;
  std::unique_ptr<DeviceBatch> upload(HostBatch batch) override;
};

class TrainingData {
 public:
  /// Throws what the plugins throw. `job` outlives it.
  explicit TrainingData(const Job& job);

  const SampleSource& source() const { return source_.samples(); }
  /// See TrainingSource.
  const DataSource* text() const { return source_.text(); }

  /// The samples of one window, as they are cut into micro-batches.
  struct Window {
    Position start;
    std::vector<SampleList> micro_batches;
  };
  /// The window of update `step`, counted from 1, of a run that skips no window and never runs out of memory. Throws what the schedule throws.
  Window window(uint64_t step);

  /// The next `count` samples of the order, over epoch ends. One thread at a time.
  SampleList samples_at(const Position& start, uint64_t count);

  /// Throws what reading them in a run would throw. Batches go before this object does. [io]
  ReadBatch read(const SampleList& samples);

 private:
  WindowShape next_shape(const RunState& state);
  uint64_t samples_of(const WindowShape& shape, const Position& start);

  const Job& job_;
  Ledger ledger_;  // of a run that has cost nothing yet
  RunFacts facts_;
  HostMemory memory_;
  Staging staging_;
  RunPlugins plugins_;
  TrainingSource source_;
  std::unique_ptr<BatchReader> reader_;
  std::unique_ptr<SampleOrder> order_;
};

}  // namespace trainhost
