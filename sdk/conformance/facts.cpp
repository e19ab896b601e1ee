// Numbers that could be those of a run.
#include "conformance/facts.h"

#include <cmath>
#include <limits>

namespace trainhost::conformance {
namespace {

constexpr std::uint64_t kSteps = 1000, kEpochSamples = 640;
constexpr double kOdd[] = {
    std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 1e308, -1e308, 5e-324};

}  // namespace

trainhost_progress progress_at(std::uint64_t step) {
  trainhost_progress progress{};
  progress.struct_size = sizeof progress;
  progress.windows = progress.observed_window = progress.step = step;
  progress.micro_batches = 4 * step, progress.samples = 32 * step, progress.targets = 2048 * step;
  progress.epoch = 1 + progress.samples / kEpochSamples, progress.epoch_samples = kEpochSamples, progress.epoch_position = progress.samples % kEpochSamples;
  progress.fraction = static_cast<double>(step) / kSteps;
  progress.seconds = 0.25 * static_cast<double>(step), progress.cost = progress.seconds / 1800, progress.energy_kwh = progress.seconds / 9000;
  progress.learning_rate = 1e-3, progress.loss_scale = 1, progress.loss = progress.loss_ema = 4, progress.gradient_norm = 1;
  return progress;
}

Placed<trainhost_progress> placed_progress(const trainhost_progress& progress) { return {progress, "trainhost_progress"}; }

std::vector<Moment> made_up_run(std::mt19937_64& random, std::size_t num_moments, bool with_odd_numbers) {
  std::vector<Moment> run;
  std::normal_distribution<double> noise(0, 0.1);
  double loss = 4;
  for (std::size_t i = 0; i < num_moments; ++i) {
    Moment moment{progress_at(i), {}};
    loss = std::max(0.1, loss + noise(random));
    moment.progress.loss = moment.progress.loss_ema = loss;
    moment.metrics.push_back({"loss", "", loss, std::numeric_limits<double>::quiet_NaN(), i, TRAINHOST_METRIC_TRAIN});
    if (i % 10 == 9) moment.metrics.push_back({"loss", "heldout", loss + noise(random), 0.01, i, TRAINHOST_METRIC_EVALUATION});
    if (i % 25 == 24)
      moment.metrics.push_back({"checkpoint_seconds", "", 1 + std::abs(noise(random)), std::numeric_limits<double>::quiet_NaN(), i, TRAINHOST_METRIC_SYSTEM});
    if (with_odd_numbers && random() % 3 == 0) {
      moment.progress.loss = kOdd[random() % std::size(kOdd)], moment.progress.cost = kOdd[random() % std::size(kOdd)];
      for (testing::MetricValue& metric : moment.metrics)
        metric.value = kOdd[random() % std::size(kOdd)], metric.standard_error = kOdd[random() % std::size(kOdd)];
    }
    run.push_back(std::move(moment));
  }
  return run;
}

}  // namespace trainhost::conformance
