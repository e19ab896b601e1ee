// Factors of the schedule times the optimizer's base rate, a block of steps at a time.
#include "loop/rates.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace trainhost {
namespace {

constexpr uint64_t kStepsAhead = 1024;  // a block: a few microseconds of schedule every thousand windows

}  // namespace

void Rates::fill_ahead(const RunState& state, const trainhost_progress& progress) {
  if (state.step_upper_bound() < filled_until_) return;
  fill(state.collected_step(), progress);
}

void Rates::update(const RunState& state, const trainhost_progress& progress, std::span<const trainhost_metric> metrics) {
  if (schedule_.update(progress, metrics)) fill(state.collected_step(), progress);
}

void Rates::fill(uint64_t first_step, trainhost_progress progress) {
  progress.step = first_step;
  std::vector<double> fractions(kStepsAhead, std::numeric_limits<double>::quiet_NaN());
  if (length_steps_ > 0)
    for (uint64_t i = 0; i < kStepsAhead; ++i)
      fractions[i] = std::min(1.0, static_cast<double>(first_step + i) / static_cast<double>(length_steps_));
  std::vector<double> rates = schedule_.factors(progress, fractions);
  for (double& rate : rates) rate *= engine_.base_learning_rate();
  engine_.set_learning_rates(first_step, rates);
  filled_until_ = first_step + kStepsAhead;
}

}  // namespace trainhost
