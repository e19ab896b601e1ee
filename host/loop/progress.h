// The run's counters in the forms that intervals and plugins take.
#pragma once
#include <optional>

#include <trainhost/progress.h>

#include "config/interval.h"
#include "ledger/ledger.h"
#include "loop/run_state.h"

namespace trainhost {

/// Fixed facts that turn counters into fractions.
struct RunScale {
  uint64_t epoch_samples = 0;
  std::optional<Interval> length;  // the run's stated maximum
};

/// Consumed amounts that are known without waiting: steps and tokens are lower bounds unless every row was collected.
Amounts collected_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger);
/// The same with upper bounds for steps and tokens: an interval that these do not reach is not reached.
Amounts upper_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger);

/// The same as of the newest observed window: what telemetry counts.
Amounts observed_amounts(const RunState& state, const RunScale& scale, const Ledger& ledger);

/// What plugins see: windows and samples as of now, device values as of state.observed.
trainhost_progress make_progress(const RunState& state, const RunScale& scale, const Ledger& ledger);

}  // namespace trainhost
