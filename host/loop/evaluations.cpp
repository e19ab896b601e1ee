// One pass a set.
#include "loop/evaluations.h"

#include <algorithm>

#include "base/clock.h"
#include "base/log.h"

namespace trainhost {

Evaluations::Evaluations(std::vector<Set> sets, Engine& engine, Ledger& ledger, Options options)
    : sets_(std::move(sets)), engine_(engine), ledger_(ledger), options_(std::move(options)) {}

std::optional<SetEvaluation> Evaluations::evaluate(const std::string& name) {
  const Ledger::Scope scope(ledger_, Activity::kEvaluation);
  const auto set = std::find_if(sets_.begin(), sets_.end(), [&](const Set& candidate) { return candidate.config.name == name; });
  for (;;) {
    try {
      return try_evaluate(*set);
    } catch (const OutOfMemory&) {
      if (set->micro_batch_samples <= 1) throw;
      log_warning("evaluation {}: out of memory with micro-batches of {} samples; trying again with {}", name, set->micro_batch_samples, set->micro_batch_samples / 2);
      set->micro_batch_samples /= 2;
    }
  }
}

std::optional<SetEvaluation> Evaluations::try_evaluate(Set& set) {
  const double started = monotonic_seconds();
  EvaluationOptions pass_options;
  pass_options.set_name = set.config.name;
  pass_options.seed = options_.seed;
  pass_options.threads = static_cast<uint64_t>(options_.data.threads);
  pass_options.first_threads = set.threads;
  pass_options.memory_bytes = options_.data.memory_bytes;
  pass_options.stall_seconds = options_.data.stall_seconds;
  pass_options.prefetch_batches = static_cast<uint64_t>(options_.data.prefetch);
  pass_options.micro_batch_samples = set.micro_batch_samples;
  pass_options.max_samples = set.config.max_samples;
  EvaluationPass pass(*set.source, pass_options, engine_);
  engine_.begin_evaluation();
  while (const auto batch = pass.next()) {
    engine_.evaluate(*batch);
    if (!options_.is_cancelled || !options_.is_cancelled()) continue;
    engine_.finish_evaluation();
    return std::nullopt;
  }
  SetEvaluation evaluation{set.config.name, engine_.finish_evaluation()};
  evaluation.seconds = monotonic_seconds() - started;
  evaluation.threads = pass.thread_choice();
  set.threads = pass.threads();
  return evaluation;
}

std::optional<double> find_metric(const EvaluationResult& result, const std::string& name) {
  for (const auto& metric : result.metrics)
    if (metric.name == name) return metric.value;
  return std::nullopt;
}

}  // namespace trainhost
