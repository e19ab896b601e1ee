// Training data: windows of micro-batches in the exact order of samples, read ahead by worker threads.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/batch.h"
#include "base/clock.h"
#include "data/read_ahead.h"
#include "data/sample_order.h"
#include "data/target_bound.h"
#include "data/thread_tuner.h"
#include "data/window.h"
#include "plugin/data_source.h"

namespace trainhost {

struct PipelineOptions {
  std::string set_name = "train";  // for messages
  uint64_t seed = 0;
  uint64_t threads = 0;           // that read; 0: as many as are needed (thread_tuner.h)
  uint64_t prefetch_batches = 4;  // micro-batches read ahead; at least one a thread are
  uint64_t memory_bytes = uint64_t{2} << 30;  // of batches read ahead
  double stall_seconds = 300;                 // a wait in which nothing moves for so long is an error
  bool shuffle = true;
  uint64_t shuffle_blocks = 16;  // see sampler.h
  uint64_t cores = usable_cores();
  Clock clock = monotonic_seconds;
};

/// What the pipeline has done so far.
struct PipelineReport {
  uint64_t batches = 0, samples = 0, bytes = 0;  // handed out by next()
  uint64_t waits = 0;                            // calls of next() that found nothing ready
  uint64_t queue_depth = 0;                      // batches that stood ready at the last next()
  StageSeconds waited;                           // by next(), by what was being done for the batch
  ReadingWork reading;
  bool is_automatic = false;  // the number of threads
  uint64_t most_threads = 0;  // that it may become
  struct Part {
    std::string name;
    uint64_t samples = 0, samples_of_one_epoch = 0;
  };
  std::vector<Part> parts;  // of a mixture: samples behind the last committed window, from the start of the run on
};

/// One training set. The samples, their order and their bytes do not depend on threads or prefetching. All functions [train], cancel() [any].
/// `source` and `device` outlive the pipeline.
class DataPipeline {
 public:
  /// Throws Error(kData) when the set is empty or the number of targets of a sample has no bound.
  DataPipeline(const SampleSource& source, PipelineOptions options, BatchDevice& device);
  /// Cancels and joins the workers.
  ~DataPipeline();

  /// Opens the next window. After a window that was not committed: the same samples again, cut by the new micro_batch_samples (the targets of `shape`
  /// are ignored then), which is the retry after out of memory.
  WindowCut begin_window(const WindowShape& shape);

  /// The micro-batches of the open window in order, nullptr after the last. Waits. Throws what the reading of this batch threw, Error(kAborted) once
  /// cancelled; the window may then be begun again.
  std::unique_ptr<DeviceBatch> next();

  /// The open window's samples are consumed.
  void commit_window();

  /// Behind the last committed window.
  Position position() const { return position_; }
  /// Goes to a position that position() gave, in this or another process. Drops an open window.
  void seek(const Position& position);

  uint64_t epoch_samples() const { return order_.epoch_samples(); }
  PipelineReport report() const;
  /// Changes of the number of threads since the last call.
  std::vector<ThreadChoice> take_thread_choices() { return std::exchange(thread_choices_, {}); }

  /// Ends the waiting: next() throws from now on, readings in flight are told to stop.
  void cancel() { read_ahead_.cancel(); }

 private:
  struct PlannedWindow {
    WindowShape shape;
    Position start;
    WindowCut cut;
  };

  std::vector<PipelineReport::Part> part_reports() const;
  PlannedWindow plan(const Position& start, const WindowShape& shape);
  uint64_t samples_for_tokens(const Position& start, uint64_t target_tokens);
  void cut_into_pieces(PlannedWindow& window, uint64_t micro_batch_samples);
  SampleList samples_at(const Position& start, uint64_t count);
  void read_ahead();
  void tune_threads();
  void forget_plans();

  const SampleSource& source_;
  PipelineOptions options_;
  SampleOrder order_;
  TargetBound targets_;

  Position position_;
  bool is_open_ = false;               // windows_.front() is the open window
  uint64_t delivered_ = 0;             // micro-batches of the open window
  std::deque<PlannedWindow> windows_;  // the open or next window, then those assumed to follow
  uint64_t queued_windows_ = 0;        // windows_[0 .. queued_windows_) are wholly handed to the workers
  uint64_t queued_pieces_ = 0;         // of windows_[queued_windows_]
  Position queue_position_;            // the next sample to hand to the workers
  PipelineReport report_;
  ThreadTuner tuner_;
  std::vector<ThreadChoice> thread_choices_;

  ReadAhead read_ahead_;  // last: its workers use what stands above
};

}  // namespace trainhost
