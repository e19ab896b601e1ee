// A window as positions in the order of samples: where it begins and ends, and how it is cut into micro-batches.
#pragma once
#include <cstdint>
#include <vector>

namespace trainhost {

/// What the accumulation schedule wants of the next window. Exactly one of the last three is not 0.
struct WindowShape {
  uint64_t micro_batch_samples = 0;  // an upper bound: the last micro-batch may be smaller
  uint64_t num_micro_batches = 0;    // the window has num_micro_batches * micro_batch_samples samples
  uint64_t target_samples = 0;       // the window has this many samples
  uint64_t target_tokens = 0;        // the window ends at the first sample that reaches it
  friend bool operator==(const WindowShape&, const WindowShape&) = default;
};

/// What a window became.
struct WindowCut {
  std::vector<uint64_t> micro_batch_samples;  // samples of each micro-batch, in order
  uint64_t samples = 0;
  uint64_t max_targets = 0;  // upper bound of the targets that count
};

/// How far the run has come: the next sample to read. Belongs into every checkpoint.
struct Position {
  uint64_t epoch = 0;
  uint64_t epoch_position = 0;  // < samples of an epoch
  uint64_t samples_total = 0;   // over all epochs
  friend bool operator==(const Position&, const Position&) = default;
};

/// `position` moved forward by `samples`, over epoch ends.
Position advanced(Position position, uint64_t samples, uint64_t epoch_samples);

/// The samples of one batch: parallel arrays.
struct SampleList {
  std::vector<uint64_t> ids, keys;
};

}  // namespace trainhost
