// The training loop over the parts of a run.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/due.h"
#include "data/pipeline.h"
#include "engine/engine.h"
#include "loop/checkpoints.h"
#include "loop/evaluations.h"
#include "loop/outcome.h"
#include "loop/preemption.h"
#include "loop/rates.h"
#include "loop/reporter.h"
#include "loop/rules.h"
#include "plugin/accumulation_schedule.h"

namespace trainhost {

/// Everything that the loop calls. Borrowed; outlives the trainer.
struct TrainerParts {
  Engine& engine;
  DataPipeline& data;
  AccumulationSchedule& accumulation_schedule;
  Rates& rates;
  Rules& rules;
  Evaluations& evaluations;
  Checkpoints& checkpoints;
  Reporter& reporter;
  Ledger& ledger;
  Preemption* preemption = nullptr;  // null: nothing asks this run to end
};

struct TrainerOptions {
  std::vector<Interval> max;
  uint64_t max_skips = 8;
  std::optional<Interval> checkpoint_every;  // nullopt: where cost and hazard balance
  Interval telemetry_every;
  RunScale scale;
  bool evaluates_at_end = true;
  std::optional<double> seconds_between_interruptions = {};  // as the config says it
};

class Trainer {
 public:
  /// Decisions after window w see device values of windows up to w - kLag exactly (docs/architecture.md).
  static constexpr uint64_t kLag = 8;

  /// `state`: of the checkpoint that engine and plugins were restored from, or of a run that begins.
  Trainer(TrainerParts parts, TrainerOptions options, RunState state);

  /// Trains until something says stop, then saves and evaluates as the reason demands. Throws Error; whatever a checkpoint can still save is saved before.
  Outcome train();

  const RunState& state() const { return state_; }
  /// The newest evaluation of each set, by "set/metric".
  const std::map<std::string, double>& evaluation() const { return evaluation_; }

 private:
  std::optional<Outcome> train_one_window();
  void run_window();
  void attempt_window(const WindowShape& shape);
  WindowShape next_shape();

  void collect_rows(uint64_t window);
  void report_first_window();
  std::optional<Outcome> observe_rows(uint64_t window);
  std::optional<Outcome> evaluate_what_is_due();
  std::optional<Outcome> ask_rules();
  std::optional<Outcome> preemption_outcome() const;

  bool is_reached_exactly(Due& due);
  void make_pending(const Evaluations::Set& set);
  void evaluate_pending();
  bool may_save_be_due() const;
  bool is_save_due();
  void save_what_is_due();
  void begin_save();
  bool save();          // false: nothing was saved, since the state is condemned or not finite
  bool report_saves();  // false: the newest of those that ended was not finite
  bool was_saving(uint64_t window) const;
  bool is_condemned() const;
  void save_what_can_be_saved() noexcept;
  Outcome finish(Outcome outcome);
  trainhost_progress progress() const;

  TrainerParts parts_;
  TrainerOptions options_;
  RunState state_;
  std::optional<Due> checkpoint_due_;
  Due telemetry_due_;
  bool is_begun_ = false;            // a window of this process has run
  bool is_line_due_ = false;         // an event `step` was logged since the last progress line
  std::vector<Due> evaluation_due_;  // as parts_.evaluations.sets()
  std::map<std::string, double> evaluation_;
  uint64_t saved_window_ = 0;        // windows tried at the newest checkpoint
  double saved_seconds_ = 0;         // of the run, then
  struct Saving {
    uint64_t before, until;  // the save ran beside the windows in between, the last one included
  };
  std::vector<Saving> savings_;      // that windows not yet seen may lie in
  uint64_t evaluated_window_ = 0;    // at the newest evaluation of all sets
};

}  // namespace trainhost
