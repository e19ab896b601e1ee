// Tells people and machines what the loop does: events, the progress line, metrics for rules and schedules. Keeps all of it out of the lines that train.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ledger/ledger.h"
#include "loop/checkpoints.h"
#include "loop/data_bill.h"
#include "loop/evaluations.h"
#include "loop/outcome.h"
#include "loop/progress.h"
#include "loop/run_state.h"
#include "telemetry/console.h"
#include "telemetry/step_times.h"
#include "telemetry/telemetry.h"
#include "telemetry/throughput.h"

namespace trainhost {

class Reporter {
 public:
  struct Options {
    RunScale scale;
    std::vector<Interval> max;
    std::function<std::vector<std::string>()> metric_names;  // the model's own, in the order of WindowRow::metrics; asked when the first row is there
    DataPipeline* data = nullptr;                             // of the training set; null: nothing is told about it
  };

  Reporter(Telemetry& telemetry, Console& console, Ledger& ledger, Options options);

  /// One window's values have become visible to decisions.
  void row(const RunState& state, const WindowRow& row, bool is_saving);
  void evaluation(const RunState& state, const SetEvaluation& evaluation, bool is_best);
  void checkpoint(const RunState& state, const Checkpoints::Saved& saved);
  void checkpoint_good(const RunState& state, const std::string& id);
  /// The first window of this process has passed on the device.
  void first_window(const RunState& state);
  /// The event `step`, of the newest observed window; once for each.
  void step(const RunState& state);
  /// Once a window: the progress line, and now and then the event `ledger`, so that a killed process loses little of the bill.
  void progress(const RunState& state, bool is_due);
  /// The progress line as it stands when the loop has ended.
  void finish(const RunState& state);
  void out_of_memory(const RunState& state, uint64_t attempt, uint64_t micro_batch_samples);
  void preempted(const RunState& state, const std::string& signal);
  void stop(const RunState& state, const Outcome& outcome);

  /// What waiting for data has cost in this process.
  DataSummary data_summary() const;

  /// Metrics since the last call, oldest first: what rules and schedules are given. The strings live until the next call.
  std::span<const trainhost_metric> take_metrics();

 private:
  void add_metric(Metric metric);
  ProgressLine progress_line(const RunState& state) const;
  void publish_ledger();
  void publish_data_waits(const trainhost_progress& progress);
  void publish_threads(const std::string& set, const ThreadChoice& choice);

  Telemetry& telemetry_;
  Console& console_;
  Ledger& ledger_;
  Options options_;
  Throughput throughput_;
  StepTimes step_times_;
  DataBill data_bill_;
  std::vector<Metric> fresh_, handed_out_;
  std::vector<trainhost_metric> views_;
  uint64_t logged_window_ = 0;       // of the newest event `step`
  std::vector<double> row_metrics_;  // the model's own, of the newest row, as means
  std::string heldout_name_;
  std::optional<double> heldout_loss_;
  double ledger_published_seconds_ = 0;
};

}  // namespace trainhost
