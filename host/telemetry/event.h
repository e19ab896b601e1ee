// One thing that happened in a run: a line of log.jsonl, and what observers see.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/progress.h>
#include <nlohmann/json.hpp>

namespace trainhost {

/// A measured value; the same as trainhost_metric.
struct Metric {
  std::string name = {}, set = {};  // "loss"; the evaluation set, empty for training and system
  double value = 0;
  double standard_error = std::numeric_limits<double>::quiet_NaN();  // NaN = unknown
  uint64_t step = 0;
  uint32_t origin = TRAINHOST_METRIC_TRAIN;
};

/// The details are the fields of the line, in the order in which they are written. A number that is not finite is written as null.
struct Event {
  std::string name = {};
  nlohmann::ordered_json details = nlohmann::ordered_json::object();
  std::vector<Metric> metrics = {};
  std::optional<trainhost_progress> progress = std::nullopt;  // absent before the first window
  int64_t unix_ns = 0;                                        // 0: Telemetry::publish() fills it in
};

/// The documented list: every event that the host writes, with its fields.
struct EventField {
  std::string_view name, type, meaning;  // type: "integer", "number", "string", "boolean", "object", "array"; "number?": may be null = not measured
  bool is_required = true;
};
struct EventKind {
  std::string_view name, meaning;
  std::vector<EventField> fields;
};
std::span<const EventKind> event_kinds();

/// The list as Markdown, for docs/operations.md.
std::string event_list_markdown();

/// What is wrong with a whole line of log.jsonl: an event or a field that the list does not have, a missing one, one of another type. Empty: nothing.
/// Tests hold a run's log against the list with it.
std::string check_log_line(const nlohmann::json& line);

/// Values of a step event that are not in the progress.
struct StepRates {
  double tokens_per_second = std::numeric_limits<double>::quiet_NaN();
  double data_wait_ratio = std::numeric_limits<double>::quiet_NaN();  // of the wall time since the last step event
};

/// Event `step`: details and metrics (loss, learning_rate, gradient_norm, loss_scale, tokens_per_second, data_wait_ratio) from the run's progress.
/// `extra`: the model's own training metrics; they become fields of "metrics".
Event step_event(const trainhost_progress& progress, const StepRates& rates, std::span<const Metric> extra = {});

/// Event `slow_call`: training has waited for a function of the plugin "kind/name".
Event slow_call_event(const std::string& plugin, const std::string& function, double seconds);

/// Event `evaluation`: one metric of one set.
Event evaluation_event(const trainhost_progress& progress, const Metric& metric);

}  // namespace trainhost
