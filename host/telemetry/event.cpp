// Events that are made of numbers: the two that carry metrics, and slow calls.
#include "telemetry/event.h"

#include <cmath>

namespace trainhost {
namespace {

using Details = nlohmann::ordered_json;

Details number(double value) { return std::isfinite(value) ? Details(value) : Details(nullptr); }

}  // namespace

Event step_event(const trainhost_progress& progress, const StepRates& rates, std::span<const Metric> extra) {
  Event event{.name = "step", .details = Details::object(), .metrics = {}, .progress = progress, .unix_ns = 0};
  Details& details = event.details;
  const auto measured = [&](const char* name, double value, uint32_t origin) {
    details[name] = number(value);
    if (!std::isnan(value)) event.metrics.push_back({.name = name, .set = "", .value = value, .step = progress.step, .origin = origin});
  };
  details["step"] = progress.step;
  details["window"] = progress.windows;
  details["skipped"] = progress.skipped_windows;
  measured("loss", progress.loss, TRAINHOST_METRIC_TRAIN);
  measured("learning_rate", progress.learning_rate, TRAINHOST_METRIC_TRAIN);
  measured("gradient_norm", progress.gradient_norm, TRAINHOST_METRIC_TRAIN);
  measured("loss_scale", progress.loss_scale, TRAINHOST_METRIC_TRAIN);
  measured("tokens_per_second", rates.tokens_per_second, TRAINHOST_METRIC_SYSTEM);
  measured("data_wait_ratio", rates.data_wait_ratio, TRAINHOST_METRIC_SYSTEM);
  details["tokens"] = progress.targets;
  details["samples"] = progress.samples;
  details["epoch"] = progress.epoch;
  measured("seconds", progress.seconds, TRAINHOST_METRIC_SYSTEM);
  measured("cost", progress.cost, TRAINHOST_METRIC_SYSTEM);
  for (const Metric& metric : extra) {
    details["metrics"][metric.name] = number(metric.value);
    event.metrics.push_back(metric);
  }
  return event;
}

Event slow_call_event(const std::string& plugin, const std::string& function, double seconds) {
  Event event{.name = "slow_call", .details = Details::object(), .metrics = {}, .progress = std::nullopt, .unix_ns = 0};
  event.details["plugin"] = plugin;
  event.details["function"] = function;
  event.details["seconds"] = number(seconds);
  return event;
}

Event evaluation_event(const trainhost_progress& progress, const Metric& metric) {
  Event event{.name = "evaluation", .details = Details::object(), .metrics = {metric}, .progress = progress, .unix_ns = 0};
  event.details["step"] = progress.step;
  event.details["window"] = progress.windows;
  event.details["set"] = metric.set;
  event.details["metric"] = metric.name;
  event.details["value"] = number(metric.value);
  event.details["standard_error"] = number(metric.standard_error);
  return event;
}

}  // namespace trainhost
