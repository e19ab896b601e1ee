// When to stop: the host's own limits, the instability ladder, and the stopping rules that are plugins.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "config/interval.h"
#include "loop/outcome.h"
#include "loop/run_state.h"
#include "plugin/stopping_rule.h"

namespace trainhost {

/// The first entry of `max` that is reached, as an outcome. Exact when the amounts are.
std::optional<Outcome> reached_limit(std::span<const Interval> max, const Amounts& amounts);

/// The last rung of the ladder: `max_skips` non-finite windows in a row end the run. Called after each observed row.
std::optional<Outcome> judge_instability(const Observed& observed, uint64_t max_skips);

/// Asks the stopping rules; of several that speak at once the gravest counts.
class Rules {
 public:
  explicit Rules(std::vector<StoppingRule> rules) : rules_(std::move(rules)), failures_(rules_.size(), 0) {}

  /// A rule that fails is logged and passed over; three failures in a row throw its error (exit 13).
  std::optional<Outcome> ask(const trainhost_progress& progress, std::span<const trainhost_metric> metrics);

 private:
  std::optional<Outcome> ask_one(size_t index, const trainhost_progress& progress, std::span<const trainhost_metric> metrics);

  std::vector<StoppingRule> rules_;
  std::vector<int> failures_;  // in a row
};

}  // namespace trainhost
