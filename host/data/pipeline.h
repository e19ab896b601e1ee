// Training data: windows of micro-batches in the exact order of samples, read ahead by worker threads.
#pragma once
#include <deque>
#include <memory>
#include <string>

#include "base/batch.h"
#include "data/batch_reader.h"
#include "data/read_ahead.h"
#include "data/sampler.h"
#include "data/target_bound.h"
#include "data/window.h"
#include "plugin/data_source.h"

namespace trainhost {

struct PipelineOptions {
  std::string set_name = "train";  // for messages
  uint64_t seed = 0;
  uint64_t threads = 2;           // reading workers, at least 1
  uint64_t prefetch_batches = 4;  // micro-batches read ahead; at least `threads` are
  bool shuffle = true;
  uint64_t shuffle_blocks = 16;  // see sampler.h
};

/// What the pipeline has done so far. Numbers only; time is the caller's.
struct PipelineReport {
  uint64_t batches = 0, samples = 0, bytes = 0;  // handed out by next()
  uint64_t waits = 0;                            // calls of next() that found nothing ready
  uint64_t queue_depth = 0;                      // batches that stood ready at the last next()
};

/// One training set. The samples, their order and their bytes do not depend on threads or prefetching. All functions [train], cancel() [any].
/// `source` and `device` outlive the pipeline.
class DataPipeline {
 public:
  /// Throws Error(kData) when the set is empty or the number of targets of a sample has no bound.
  DataPipeline(DataSource& source, PipelineOptions options, BatchDevice& device);
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

  uint64_t epoch_samples() const { return sampler_.num_samples(); }
  PipelineReport report() const { return report_; }

  /// Ends the waiting: next() throws from now on, readings in flight are told to stop.
  void cancel() { read_ahead_.cancel(); }

 private:
  struct PlannedWindow {
    WindowShape shape;
    Position start;
    WindowCut cut;
  };

  PlannedWindow plan(const Position& start, const WindowShape& shape);
  uint64_t samples_for_tokens(const Position& start, uint64_t target_tokens);
  void cut_into_pieces(PlannedWindow& window, uint64_t micro_batch_samples);
  SampleList samples_at(const Position& start, uint64_t count);
  void read_ahead();
  void forget_plans();

  PipelineOptions options_;
  Sampler sampler_;
  TargetBound targets_;
  BatchReader reader_;

  Position position_;
  bool is_open_ = false;               // windows_.front() is the open window
  uint64_t delivered_ = 0;             // micro-batches of the open window
  std::deque<PlannedWindow> windows_;  // the open or next window, then those assumed to follow
  uint64_t queued_windows_ = 0;        // windows_[0 .. queued_windows_) are wholly handed to the workers
  uint64_t queued_pieces_ = 0;         // of windows_[queued_windows_]
  Position queue_position_;            // the next sample to hand to the workers
  PipelineReport report_;

  ReadAhead read_ahead_;  // last: its workers use what stands above
};

}  // namespace trainhost
