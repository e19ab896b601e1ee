// Asks for factors, and refuses those that no rate could be multiplied with.
#include "plugin/lr_schedule.h"

#include <cmath>

#include "plugin/guarded.h"

namespace trainhost {

LrSchedule::LrSchedule(Instance& instance) : instance_(instance), table_(instance.table<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE)) {
  instance_.require(TRAINHOST_LR_SCHEDULE, {{"factors", table_.factors}});
}

bool LrSchedule::update(const trainhost_progress& progress, std::span<const trainhost_metric> metrics) const {
  if (!has_update()) return false;
  const Guarded<trainhost_progress> now(progress);
  uint32_t is_changed = 0;
  instance_.train_call(
      "update", [&](trainhost_error* error) { return table_.update(instance_.handle(), &now.value, metrics.data(), metrics.size(), &is_changed, error); });
  return is_changed != 0;
}

std::vector<double> LrSchedule::factors(const trainhost_progress& at, std::span<const double> fractions) const {
  const Guarded<trainhost_progress> now(at);
  std::vector<double> factors(fractions.size(), std::nan(""));
  instance_.train_call("factors", [&](trainhost_error* error) {
    return table_.factors(instance_.handle(), &now.value, fractions.data(), fractions.size(), factors.data(), error);
  });
  for (size_t i = 0; i < factors.size(); ++i)
    if (!std::isfinite(factors[i]) || factors[i] < 0)
      throw instance_.broken_promise("factors", format("the factor of step {} is {}, wanted a finite number from 0", at.step + i, factors[i]));
  return factors;
}

}  // namespace trainhost
