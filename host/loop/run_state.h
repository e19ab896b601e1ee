// What the host itself remembers of a run: counters, the sampler's position, rows that no decision has seen yet. Saved in every checkpoint.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "data/pipeline.h"
#include "engine/engine.h"

namespace trainhost {

/// Device values as decisions see them: exactly those of windows <= window. observed.window = observed.step + observed.skipped.
struct Observed {
  uint64_t window = 0, step = 0, skipped = 0, targets = 0;
  uint64_t skips_in_a_row = 0;  // of non-finite windows only
  double loss = 0, loss_ema = 0, gradient_norm = 0, loss_scale = 1, learning_rate = 0;
};

/// The best evaluation so far of the metric that rules may want restored.
struct BestEvaluation {
  double value = 0;
  uint64_t step = 0;
};

/// A verified checkpoint that waits to become good.
struct PendingGood {
  uint64_t window = 0;   // at which it was saved
  uint64_t healthy = 0;  // healthy windows in a row since then
};

struct RunState {
  uint64_t windows = 0;        // tried
  uint64_t micro_batches = 0;  // forward and backward passes that ended in a tried window
  uint64_t samples = 0;        // consumed, those of skipped windows too
  Observed observed;
  std::deque<WindowRow> undelivered;  // rows of windows > observed.window that have left the device
  Position position;                  // of the sampler, after the last tried window
  WindowShape shape;                  // of the last window, as the schedule asked for it
  uint64_t schedule_length = 0;       // steps; fixed at the first start, 0: no stated length
  std::optional<BestEvaluation> best;
  std::vector<std::string> pending_evaluations;  // sets that are due and not evaluated yet
  std::map<std::string, PendingGood> pending_good;  // by checkpoint id, until it is good
  std::deque<uint64_t> uncollected_max_targets;  // upper bounds of the windows > collected_window(); not saved, a save collects all rows

  /// Applied updates, exactly, when every row up to `windows` has been collected; otherwise a lower bound.
  uint64_t collected_step() const { return undelivered.empty() ? observed.step : undelivered.back().step; }
  uint64_t collected_window() const { return undelivered.empty() ? observed.window : undelivered.back().window; }
  /// No count of steps can be above this one.
  uint64_t step_upper_bound() const { return collected_step() + (windows - collected_window()); }

  /// Targets of the collected windows, and an upper bound for all that were tried.
  uint64_t collected_targets() const;
  uint64_t targets_upper_bound() const;

  /// Counts a window that was tried; its row is still on the device.
  void count_window(const WindowCut& cut, const Position& behind);
  /// Keeps a row that has left the device, until decisions may see it.
  void collect(WindowRow row);
  /// Moves the oldest undelivered row into `observed`, and returns it.
  WindowRow observe_next();
};

/// Weight of a new loss in the running mean that people see; no decision of the host uses it.
inline constexpr double kLossEmaWeight = 0.05;

nlohmann::json to_json(const RunState& state);
/// Throws Error(kCheckpointUnreadable) naming the member that is missing or of another type.
RunState run_state_from_json(const nlohmann::json& json);

}  // namespace trainhost
