// One pass over an evaluation set: fixed samples in ascending order, read ahead by worker threads.
#pragma once
#include <memory>
#include <string>

#include "base/batch.h"
#include "data/batch_reader.h"
#include "data/read_ahead.h"
#include "plugin/data_source.h"

namespace trainhost {

struct EvaluationOptions {
  std::string set_name = "evaluation";  // for messages
  uint64_t seed = 0;                    // of the random keys, which are those of epoch 0
  uint64_t threads = 2;
  uint64_t prefetch_batches = 4;
  uint64_t micro_batch_samples = 1;
  uint64_t max_samples = 0;  // 0 = all; fewer than all: spread evenly over the set
};

/// [train]; cancel() [any]. `source` and `device` outlive the pass.
class EvaluationPass {
 public:
  /// Throws Error(kData) when the set is empty.
  EvaluationPass(DataSource& source, EvaluationOptions options, BatchDevice& device);

  /// The next batch, nullptr after the last. Waits. Throws what the reading of this batch threw, Error(kAborted) once cancelled.
  std::unique_ptr<DeviceBatch> next();

  uint64_t num_samples() const { return num_samples_; }
  void cancel() { read_ahead_.cancel(); }

 private:
  EvaluationOptions options_;
  uint64_t set_samples_, num_samples_;  // in the set, in this pass
  uint64_t queued_ = 0;                 // samples handed to the workers
  BatchReader reader_;
  ReadAhead read_ahead_;  // last: its workers use what stands above
};

}  // namespace trainhost
