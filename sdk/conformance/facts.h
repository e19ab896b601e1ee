// Made-up runs for plugins to look at: where a run stands, and what it has measured.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "conformance/guard_page.h"
#include "trainhost/progress.h"
#include "trainhost/testing/kinds.hpp"

namespace trainhost::conformance {

// A sound run after so many steps, 1000 long, everything measured.
trainhost_progress progress_at(std::uint64_t step);

// The same in front of a guard page.
Placed<trainhost_progress> placed_progress(const trainhost_progress& progress);

// One moment of a run, and the metrics that are new then.
struct Moment {
  trainhost_progress progress;
  std::vector<testing::MetricValue> metrics;
};

// A run from its first window on, with losses that fall, rise and stand still; `with_odd_numbers`: with values that are not finite, too.
std::vector<Moment> made_up_run(std::mt19937_64& random, std::size_t num_moments, bool with_odd_numbers = false);

}  // namespace trainhost::conformance
