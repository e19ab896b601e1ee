// Limits, ladder and verdicts as outcomes.
#include "loop/rules.h"

#include "base/log.h"

namespace trainhost {
namespace {

constexpr int kFailuresThatEnd = 3;

ExitCode exit_code_of(int32_t stop) {
  switch (stop) {
    case TRAINHOST_STOP_BUDGET: return ExitCode::kBudget;
    case TRAINHOST_STOP_DIVERGED: return ExitCode::kDiverged;
    default: return ExitCode::kDone;
  }
}

}  // namespace

std::optional<Outcome> reached_limit(std::span<const Interval> max, const Amounts& amounts) {
  for (const Interval& limit : max) {
    if (!is_reached(limit, amounts)) continue;
    Outcome outcome;
    outcome.code = limit.is_exact() ? ExitCode::kDone : ExitCode::kBudget;
    outcome.rule = "max";
    outcome.reason = format("max = {} is reached", limit.text);
    return outcome;
  }
  return std::nullopt;
}

std::optional<Outcome> judge_instability(const Observed& observed, uint64_t max_skips) {
  if (observed.skips_in_a_row < max_skips) return std::nullopt;
  Outcome outcome;
  outcome.code = ExitCode::kDiverged;
  outcome.rule = "ladder";
  outcome.reason = format("{} windows in a row had a loss or gradient that is not finite (max_skips = {}), the last is window {}; lower the learning rate, or look at the data of these windows",
                          observed.skips_in_a_row, max_skips, observed.window);
  return outcome;
}

std::optional<Outcome> Rules::ask(const trainhost_progress& progress, std::span<const trainhost_metric> metrics) {
  std::optional<Outcome> gravest;
  for (size_t i = 0; i < rules_.size(); ++i) {
    std::optional<Outcome> outcome = ask_one(i, progress, metrics);
    if (outcome && (!gravest || outcome->code > gravest->code)) gravest = std::move(outcome);
  }
  return gravest;
}

std::optional<Outcome> Rules::ask_one(size_t index, const trainhost_progress& progress, std::span<const trainhost_metric> metrics) {
  const StoppingRule& rule = rules_[index];
  try {
    const Verdict verdict = rule.check(progress, metrics);
    failures_[index] = 0;
    if (verdict.stop == TRAINHOST_STOP_NO) return std::nullopt;
    return Outcome{exit_code_of(verdict.stop), rule.instance().full_name(), verdict.reason, verdict.restore_best};
  } catch (const PluginCallError& failure) {
    if (++failures_[index] >= kFailuresThatEnd) throw;
    log_warning("{}; the run goes on, {} failures in a row end it", failure.what(), kFailuresThatEnd);
    return std::nullopt;
  }
}

}  // namespace trainhost
