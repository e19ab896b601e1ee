// Counters -> Amounts and trainhost_progress.
#include "loop/progress.h"

#include <limits>

namespace trainhost {

Amounts collected_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger) {
  Amounts amounts;
  amounts.windows = state.windows;
  amounts.steps = state.collected_step();
  amounts.samples = state.samples;
  amounts.tokens = state.collected_targets();
  amounts.epochs = static_cast<double>(state.samples) / static_cast<double>(scale.epoch_samples);
  amounts.seconds = ledger.seconds();
  if (const auto cost = ledger.cost()) amounts.cost = *cost;
  return amounts;
}

Amounts upper_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger) {
  Amounts amounts = collected_amounts(state, scale, ledger);
  amounts.steps = state.step_upper_bound();
  amounts.tokens = state.targets_upper_bound();
  return amounts;
}

Amounts observed_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger) {
  Amounts amounts = collected_amounts(state, scale, ledger);
  amounts.windows = state.observed.window;
  amounts.steps = state.observed.step;
  amounts.tokens = state.observed.targets;
  return amounts;
}

trainhost_progress make_progress(const RunState& state, const RunScale& scale, const Ledger& ledger) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  const Amounts seen = observed_amounts(state, scale, ledger);
  trainhost_progress progress{};
  progress.struct_size = sizeof progress;
  progress.windows = state.windows;
  progress.step = state.observed.step;
  progress.skipped_windows = state.observed.skipped;
  progress.micro_batches = state.micro_batches;
  progress.samples = state.samples;
  progress.targets = state.observed.targets;
  progress.epoch = state.position.epoch;
  progress.epoch_samples = scale.epoch_samples;
  progress.epoch_position = state.position.epoch_position;
  progress.observed_window = state.observed.window;
  progress.fraction = fraction_of(scale.length, seen);
  progress.seconds = seen.seconds;
  progress.cost = seen.cost;
  progress.energy_kwh = kUnknown;
  const bool has_row = state.observed.window > 0;
  progress.learning_rate = has_row ? state.observed.learning_rate : kUnknown;
  progress.loss_scale = state.observed.loss_scale;
  progress.loss = has_row ? state.observed.loss : kUnknown;
  progress.loss_ema = has_row ? state.observed.loss_ema : kUnknown;
  progress.gradient_norm = has_row ? state.observed.gradient_norm : kUnknown;
  return progress;
}

}  // namespace trainhost
