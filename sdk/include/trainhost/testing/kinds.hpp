// Calls to instances of the T0 kinds that read like C++: values in, values out, failures as PluginError.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trainhost/accumulation_schedule.h"
#include "trainhost/cpp/field.hpp"
#include "trainhost/cpp/progress.hpp"
#include "trainhost/lr_schedule.h"
#include "trainhost/observer.h"
#include "trainhost/precision_policy.h"
#include "trainhost/stopping_rule.h"
#include "trainhost/testing/plugin.hpp"

namespace trainhost::testing {

// A metric that owns its strings.
struct MetricValue {
  std::string name = "loss", set = "heldout";
  double value = 0, standard_error = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t step = 0;
  std::uint32_t origin = TRAINHOST_METRIC_EVALUATION;
};

inline std::vector<trainhost_metric> c_metrics(std::span<const MetricValue> values) {
  std::vector<trainhost_metric> out;
  for (const auto& v : values) out.push_back({c_string(v.name), c_string(v.set), v.value, v.standard_error, v.step, v.origin, 0});
  return out;
}

struct Answer {
  std::int32_t stop;
  bool restore_best;
  std::string reason;
};
inline Answer check(const PluginUnderTest& rule, const Progress& progress, const std::vector<MetricValue>& metrics = {}) {
  trainhost_verdict verdict{};
  verdict.struct_size = sizeof verdict;
  const auto c = c_metrics(metrics);
  call(rule.table<trainhost_stopping_rule>(TRAINHOST_STOPPING_RULE).check, rule.c(), &progress, c.data(), c.size(), &verdict);
  return {verdict.stop, verdict.restore_best != 0, std::string(verdict.reason, verdict.reason_length)};
}

inline std::vector<double> factors(const PluginUnderTest& schedule, const Progress& at, const std::vector<double>& fractions) {
  std::vector<double> out(fractions.size(), std::numeric_limits<double>::quiet_NaN());
  call(schedule.table<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE).factors, schedule.c(), &at, fractions.data(), fractions.size(), out.data());
  return out;
}
inline bool update(const PluginUnderTest& schedule, const Progress& progress, const std::vector<MetricValue>& metrics) {
  std::uint32_t is_changed = 0;
  const auto c = c_metrics(metrics);
  call(schedule.table<trainhost_lr_schedule>(TRAINHOST_LR_SCHEDULE).update, schedule.c(), &progress, c.data(), c.size(), &is_changed);
  return is_changed != 0;
}

// The host's default plan: float32 and no scaling, with PyTorch's constants (GradScaler of torch 2.11).
inline trainhost_precision_plan default_plan() {
  return {sizeof(trainhost_precision_plan), 0, kFloat32, kFloat32, kFloat32, kFloat32, TRAINHOST_SCALE_NONE, 2000, 65536, 2, 0.5, 1, 1e30};
}
inline trainhost_precision_plan plan(const PluginUnderTest& policy, std::int32_t device_type, std::uint32_t capability,
                                     std::string_view device_name = "device") {
  const trainhost_device_facts facts{sizeof(trainhost_device_facts), device_type, capability, 0, 0, c_string(device_name)};
  trainhost_precision_plan out = default_plan();
  call(policy.table<trainhost_precision_policy>(TRAINHOST_PRECISION_POLICY).plan, policy.c(), &facts, &out);
  return out;
}

inline trainhost_window next_window(const PluginUnderTest& schedule, const Progress& progress = {}, trainhost_window last = {}) {
  last.struct_size = sizeof last;
  call(schedule.table<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE).next_window, schedule.c(), &progress, &last);
  return last;
}
inline std::uint64_t out_of_memory(const PluginUnderTest& schedule, const trainhost_window& failed, std::uint64_t attempt) {
  std::uint64_t samples = 0;
  call(schedule.table<trainhost_accumulation_schedule>(TRAINHOST_ACCUMULATION_SCHEDULE).out_of_memory, schedule.c(), &failed, attempt, &samples);
  return samples;
}

inline void on_event(const PluginUnderTest& observer, std::string_view name, std::string_view details_json = "{}", const Progress* progress = nullptr,
                     const std::vector<MetricValue>& metrics = {}, std::int64_t unix_ns = 0) {
  const auto c = c_metrics(metrics);
  const trainhost_event event{
      sizeof(trainhost_event), static_cast<std::uint32_t>(c.size()), c_string(name), c_string(details_json), unix_ns, progress, c.data()};
  call(observer.table<trainhost_observer>(TRAINHOST_OBSERVER).on_event, observer.c(), &event);
}

}  // namespace trainhost::testing
