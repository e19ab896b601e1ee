// One pass over an evaluation set: fixed samples in ascending order, read ahead by worker threads.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/batch.h"
#include "base/clock.h"
#include "data/read_ahead.h"
#include "data/thread_tuner.h"
#include "plugin/data_source.h"

namespace trainhost {

struct EvaluationOptions {
  std::string set_name = "evaluation";  // for messages
  uint64_t seed = 0;                    // of the random keys, which are those of epoch 0
  uint64_t threads = 0;        // 0: as many as are needed (thread_tuner.h), beginning with first_threads
  uint64_t first_threads = kFirstThreads;
  uint64_t prefetch_batches = 4;
  uint64_t memory_bytes = uint64_t{2} << 30;
  double stall_seconds = 300;
  uint64_t micro_batch_samples = 1;
  uint64_t max_samples = 0;  // 0 = all; fewer than all: spread evenly over the set
  uint64_t cores = usable_cores();
  Clock clock = monotonic_seconds;
};

/// [train]; cancel() [any]. `source` and `device` outlive the pass.
class EvaluationPass {
 public:
  /// Throws Error(kData) when the set is empty.
  EvaluationPass(const SampleSource& source, EvaluationOptions options, BatchDevice& device);

  /// The next batch, nullptr after the last. Waits. Throws what the reading of this batch threw, Error(kAborted) once cancelled.
  std::unique_ptr<DeviceBatch> next();

  uint64_t num_samples() const { return num_samples_; }
  void cancel() { read_ahead_.cancel(); }
  /// That read now: what the next pass may begin with.
  uint64_t threads() const { return tuner_.threads(); }
  /// The newest change of their number.
  const std::optional<ThreadChoice>& thread_choice() const { return thread_choice_; }

 private:
  void queue();
  void tune_threads();

  EvaluationOptions options_;
  uint64_t set_samples_, num_samples_;  // in the set, in this pass
  uint64_t queued_ = 0;                 // samples handed to the workers
  uint64_t given_ = 0;                  // samples handed out
  double waited_seconds_ = 0;
  ThreadTuner tuner_;
  std::optional<ThreadChoice> thread_choice_;
  ReadAhead read_ahead_;  // last: its workers use what stands above
};

}  // namespace trainhost
