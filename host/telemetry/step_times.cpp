// Percentiles over the newest values.
#include "telemetry/step_times.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace trainhost {
namespace {

constexpr size_t kMaxValues = 4096;

// Nearest rank: the smallest value that at least this share of all values does not exceed.
double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

void StepTimes::Recent::add(double value) {
  if (values_.size() < kMaxValues) {
    values_.push_back(value);
    return;
  }
  values_[next_] = value;
  next_ = (next_ + 1) % kMaxValues;
}

StepTimes::Percentiles StepTimes::Recent::take() {
  const Percentiles found{percentile(values_, 0.5), percentile(values_, 0.99)};
  values_.clear();
  next_ = 0;
  return found;
}

StepTimes::Report StepTimes::take() { return {during_.take(), outside_.take()}; }

}  // namespace trainhost
