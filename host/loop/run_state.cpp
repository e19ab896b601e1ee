// RunState as JSON; numbers that JSON cannot hold (NaN, infinities) are written as strings.
#include "loop/run_state.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace trainhost {
namespace {

using Json = nlohmann::json;

Json number(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

double number(const Json& json) {
  if (!json.is_string()) return json.get<double>();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  return json == "-inf" ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
}

uint64_t counted_targets(const WindowRow& row) { return std::isfinite(row.count) ? static_cast<uint64_t>(row.count) : 0; }

Json row_to_json(const WindowRow& row) {
  Json metrics = Json::array();
  for (const double metric : row.metrics) metrics.push_back(number(metric));
  return {{"window", row.window}, {"step", row.step}, {"is_applied", row.is_applied}, {"loss_sum", number(row.loss_sum)},
          {"count", number(row.count)}, {"gradient_norm", number(row.gradient_norm)}, {"loss_scale", number(row.loss_scale)},
          {"learning_rate", number(row.learning_rate)}, {"metrics", metrics}};
}

WindowRow row_from_json(const Json& json) {
  WindowRow row;
  row.window = json.at("window");
  row.step = json.at("step");
  row.is_applied = json.at("is_applied");
  row.loss_sum = number(json.at("loss_sum"));
  row.count = number(json.at("count"));
  row.gradient_norm = number(json.at("gradient_norm"));
  row.loss_scale = number(json.at("loss_scale"));
  row.learning_rate = number(json.at("learning_rate"));
  for (const Json& metric : json.at("metrics")) row.metrics.push_back(number(metric));
  return row;
}

Json observed_to_json(const Observed& observed) {
  return {{"window", observed.window}, {"step", observed.step}, {"skipped", observed.skipped}, {"targets", observed.targets},
          {"skips_in_a_row", observed.skips_in_a_row}, {"loss", number(observed.loss)}, {"loss_ema", number(observed.loss_ema)},
          {"gradient_norm", number(observed.gradient_norm)}, {"loss_scale", number(observed.loss_scale)},
          {"learning_rate", number(observed.learning_rate)}};
}

Observed observed_from_json(const Json& json) {
  Observed observed;
  observed.window = json.at("window");
  observed.step = json.at("step");
  observed.skipped = json.at("skipped");
  observed.targets = json.at("targets");
  observed.skips_in_a_row = json.at("skips_in_a_row");
  observed.loss = number(json.at("loss"));
  observed.loss_ema = number(json.at("loss_ema"));
  observed.gradient_norm = number(json.at("gradient_norm"));
  observed.loss_scale = number(json.at("loss_scale"));
  observed.learning_rate = number(json.at("learning_rate"));
  return observed;
}

}  // namespace

uint64_t RunState::collected_targets() const {
  uint64_t targets = observed.targets;
  for (const WindowRow& row : undelivered) targets += counted_targets(row);
  return targets;
}

uint64_t RunState::targets_upper_bound() const {
  return std::accumulate(uncollected_max_targets.begin(), uncollected_max_targets.end(), collected_targets());
}

void RunState::count_window(const WindowCut& cut, const Position& behind) {
  ++windows;
  micro_batches += cut.micro_batch_samples.size();
  samples += cut.samples;
  position = behind;
  uncollected_max_targets.push_back(cut.max_targets);
}

void RunState::collect(WindowRow row) {
  uncollected_max_targets.pop_front();
  undelivered.push_back(std::move(row));
}

WindowRow RunState::observe_next() {
  WindowRow row = std::move(undelivered.front());
  undelivered.pop_front();
  observed.window = row.window;
  observed.step = row.step;
  observed.targets += counted_targets(row);
  observed.gradient_norm = row.gradient_norm;
  observed.loss_scale = row.loss_scale;
  observed.learning_rate = row.learning_rate;
  if (row.count > 0) observed.loss = row.loss_sum / row.count;
  if (row.is_applied) {
    observed.loss_ema = row.step == 1 ? observed.loss : observed.loss_ema + kLossEmaWeight * (observed.loss - observed.loss_ema);
    observed.skips_in_a_row = 0;
  } else {
    ++observed.skipped;
    if (row.count != 0) ++observed.skips_in_a_row;
  }
  return row;
}

Json to_json(const RunState& state) {
  Json rows = Json::array();
  for (const WindowRow& row : state.undelivered) rows.push_back(row_to_json(row));
  Json pending_good = Json::object();
  for (const auto& [id, pending] : state.pending_good) pending_good[id] = {{"window", pending.window}, {"healthy", pending.healthy}};
  Json best = nullptr;
  if (state.best) best = {{"value", number(state.best->value)}, {"step", state.best->step}};
  return {{"windows", state.windows},
          {"micro_batches", state.micro_batches},
          {"samples", state.samples},
          {"observed", observed_to_json(state.observed)},
          {"undelivered", rows},
          {"position", {{"epoch", state.position.epoch}, {"epoch_position", state.position.epoch_position}, {"samples_total", state.position.samples_total}}},
          {"shape", {{"micro_batch_samples", state.shape.micro_batch_samples}, {"num_micro_batches", state.shape.num_micro_batches},
                     {"target_samples", state.shape.target_samples}, {"target_tokens", state.shape.target_tokens}}},
          {"schedule_length", state.schedule_length},
          {"best", best},
          {"pending_evaluations", state.pending_evaluations},
          {"pending_good", pending_good}};
}

RunState run_state_from_json(const Json& json) try {
  RunState state;
  state.windows = json.at("windows");
  state.micro_batches = json.at("micro_batches");
  state.samples = json.at("samples");
  state.observed = observed_from_json(json.at("observed"));
  for (const Json& row : json.at("undelivered")) state.undelivered.push_back(row_from_json(row));
  const Json& position = json.at("position");
  state.position = {position.at("epoch"), position.at("epoch_position"), position.at("samples_total")};
  const Json& shape = json.at("shape");
  state.shape = {shape.at("micro_batch_samples"), shape.at("num_micro_batches"), shape.at("target_samples"), shape.at("target_tokens")};
  state.schedule_length = json.at("schedule_length");
  if (!json.at("best").is_null()) state.best = BestEvaluation{number(json.at("best").at("value")), json.at("best").at("step")};
  state.pending_evaluations = json.at("pending_evaluations").get<std::vector<std::string>>();
  for (const auto& [id, pending] : json.at("pending_good").items()) state.pending_good[id] = {pending.at("window"), pending.at("healthy")};
  return state;
} catch (const Json::exception& problem) {
  throw Error(ExitCode::kCheckpointUnreadable,
              format("checkpoint: the run state is not as this version writes it: {}; resume with the trainhost that wrote it", problem.what()));
}

}  // namespace trainhost
