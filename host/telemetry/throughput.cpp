// Sliding windows over growing values.
#include "telemetry/throughput.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace trainhost {

void SlidingRate::add(double seconds, double value) {
  const double spacing = window_seconds_ / 64;
  if (samples_.size() >= 2 && seconds - samples_[samples_.size() - 2].seconds < spacing)
    samples_.back() = {seconds, value};
  else
    samples_.push_back({seconds, value});
  // The oldest sample kept is the newest one that still spans the window, so that slow windows leave two samples.
  while (samples_.size() > 2 && seconds - samples_[1].seconds >= window_seconds_) samples_.pop_front();
}

double SlidingRate::per_second() const {
  if (samples_.size() < 2 || samples_.back().seconds <= samples_.front().seconds) return std::numeric_limits<double>::quiet_NaN();
  return (samples_.back().value - samples_.front().value) / (samples_.back().seconds - samples_.front().seconds);
}

void Throughput::add(double seconds, double tokens, double data_wait_seconds, std::span<const double> fractions) {
  constexpr double kPaceSeconds = 300;  // long enough to hold evaluations and checkpoints
  tokens_.add(seconds, tokens);
  data_wait_.add(seconds, data_wait_seconds);
  fractions_.assign(fractions.begin(), fractions.end());
  limits_.resize(fractions_.size(), SlidingRate(kPaceSeconds));
  for (size_t i = 0; i < fractions_.size(); ++i) limits_[i].add(seconds, fractions_[i]);
}

double Throughput::seconds_left() const {
  double left = std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < limits_.size(); ++i)
    if (const double pace = limits_[i].per_second(); pace > 0) left = std::min(left, std::max(0.0, 1 - fractions_[i]) / pace);
  return std::isfinite(left) ? left : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace trainhost
