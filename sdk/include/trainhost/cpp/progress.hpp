// Where the run stands, as plugins in C++ see it.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "trainhost/cpp/error.hpp"
#include "trainhost/progress.h"

namespace trainhost::inline sdk {

// trainhost_progress with the same member names. Members that the host does not know read as 0 or NaN.
struct Progress : trainhost_progress {
  Progress() : trainhost_progress{} {
    struct_size = sizeof(trainhost_progress);
    fraction = seconds = cost = energy_kwh = learning_rate = loss_scale = loss = loss_ema = gradient_norm = std::numeric_limits<double>::quiet_NaN();
  }
  explicit Progress(const trainhost_progress* progress) : Progress() {
    static_cast<trainhost_progress&>(*this) = detail::read_struct(progress, static_cast<const trainhost_progress&>(*this));
  }
};

// One measured value. Views end with the call.
struct Metric {
  std::string_view name, set;  // "loss"; the evaluation set, empty for training
  double value, standard_error;
  std::uint64_t step;
  std::uint32_t origin;

  explicit Metric(const trainhost_metric& metric)
      : name(view(metric.name)), set(view(metric.set)), value(metric.value), standard_error(metric.standard_error), step(metric.step), origin(metric.origin) {}

  double standard_error_or(double unknown) const { return std::isnan(standard_error) ? unknown : standard_error; }
  bool is_training() const { return origin == TRAINHOST_METRIC_TRAIN; }
  bool is_evaluation() const { return origin == TRAINHOST_METRIC_EVALUATION; }
  bool is_system() const { return origin == TRAINHOST_METRIC_SYSTEM; }
};

}  // namespace trainhost::inline sdk

namespace trainhost::detail {
inline std::vector<Metric> metrics(const trainhost_metric* metrics, std::uint64_t num_metrics) { return {metrics, metrics + num_metrics}; }
}  // namespace trainhost::detail

