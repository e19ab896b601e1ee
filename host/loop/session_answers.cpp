// What an open session can be asked beside training: what a micro-batch costs, what saves are going to lose, and for a text.
#include "loop/session.h"

#include <algorithm>

#include "base/files.h"

namespace trainhost {

std::optional<double> Session::mean_between_interruptions() const {
  const auto& mean = setup_.config.run.checkpoint.mean_time_between_interruptions;
  return mean ? std::optional(mean->base_amount()) : std::nullopt;
}

SaveOutlook Session::save_outlook(double window_seconds) {
  const CheckpointConfig& config = setup_.config.run.checkpoint;
  SaveOutlook outlook{config.is_automatic, config.is_automatic ? "auto" : config.every.text, std::nullopt, checkpoints_->cost(), {}, ledger_.price_per_hour(), ledger_.currency()};
  outlook.hazard = estimate_hazard(mean_between_interruptions(), ledger_.num_interruptions(), ledger_.seconds());
  const Unit unit = config.every.unit;
  if (config.is_automatic) outlook.interval_seconds = balanced_interval(outlook.cost, outlook.hazard);
  else if (unit == Unit::kSecond || unit == Unit::kMinute || unit == Unit::kHour) outlook.interval_seconds = config.every.base_amount();
  else if ((unit == Unit::kStep || unit == Unit::kWindow) && window_seconds > 0) outlook.interval_seconds = config.every.amount * window_seconds;
  return outlook;
}

Session::MicroBatchCost Session::measure_micro_batch() {
  const RunState& state = trainer_->state();
  const trainhost_window next = accumulation_schedule_->next_window(make_progress(state, {data_->epoch_samples(), {}}, ledger_));
  MicroBatchCost cost;
  cost.window = data_->begin_window({next.micro_batch_samples, next.num_micro_batches, next.target_samples, next.target_tokens});
  const std::unique_ptr<DeviceBatch> batch = data_->next();
  double started = 0;
  try {
    for (int pass = 0; pass < 2; ++pass) {  // the first one warms up
      started = monotonic_seconds();
      engine_->begin_window(state.windows + 1, cost.window.max_targets);
      engine_->accumulate(*batch);
      engine_->applied_steps();  // waits
      engine_->abandon_window();
    }
  } catch (const OutOfMemory&) {
    engine_->abandon_window();
    throw;
  }
  cost.seconds = monotonic_seconds() - started;
  cost.peak_memory_bytes = engine_->peak_memory_bytes();
  return cost;
}

std::string Session::data_threads_text() const {
  const PipelineReport report = data_->report();
  const std::string memory = human_bytes(static_cast<double>(setup_.config.run.data.memory_bytes));
  if (!report.is_automatic) return format("{} reading, up to {} ahead", report.reading.threads, memory);
  return format("auto: {} reading to begin with, at most {} of {} cores, up to {} ahead", report.reading.threads, report.most_threads, usable_cores(), memory);
}

bool Session::has_left_behind() const {
  const auto any = [](const RunPlugins& plugins) {
    const std::vector<Instance*> all = plugins.instances();
    return std::any_of(all.begin(), all.end(), [](const Instance* instance) { return instance->is_left_behind(); });
  };
  const std::vector<Instance*> parts = training_source_->part_instances();
  if (std::any_of(parts.begin(), parts.end(), [](const Instance* instance) { return instance->is_left_behind(); })) return true;
  return any(*plugins_) || std::any_of(evaluation_plugins_.begin(), evaluation_plugins_.end(), [&](const auto& plugins) { return any(*plugins); });
}

std::string Session::sample_text(const SampleConfig& sample, uint64_t seed) {
  if (!report_.has_text) return "";
  std::vector<int64_t> tokens;
  const DataSource& source = *training_source_->text();
  engine_->sample(source.encode(sample.prompt.empty() ? "\n" : sample.prompt), sample.length, sample.temperature, sample.top_k, seed, [&](int64_t token) {
    tokens.push_back(token);
    return !preemption_ || !preemption_->is_requested();
  });
  return source.decode(tokens);
}

}  // namespace trainhost
