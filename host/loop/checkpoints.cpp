// Packing and unpacking of checkpoints.
#include "loop/checkpoints.h"

#include <cmath>
#include <utility>

#include "base/clock.h"
#include "plugin/state.h"

namespace trainhost {

using Json = nlohmann::json;

RestoredRun unpack(LoadedCheckpoint checkpoint) {
  RestoredRun run;
  try {
    const Json all = Json::parse(checkpoint.run_state_json);
    run.state = run_state_from_json(all.at("state"));
    run.ledger = all.at("ledger");
    run.identity = {all.at("trajectory"), checkpoint.trajectory_hash, all.at("schedule_length"), all.at("data_fingerprint"), all.value("plugins", Json::array()), all.value("model", Json::object())};
    if (all.contains("save_cost")) run.save_cost = save_cost_from_json(all.at("save_cost"));
  } catch (const Json::exception& problem) {
    throw Error(ExitCode::kCheckpointUnreadable, format("checkpoint {}: the loop's state is not as this version writes it: {}; resume with the trainhost that wrote it",
                                                        checkpoint.info.id, problem.what()));
  }
  if (!checkpoint.info.is_good) run.state.pending_good[checkpoint.info.id] = {run.state.windows, 0};
  run.checkpoint = std::move(checkpoint);
  return run;
}

SaveMode parse_save_mode(std::string_view text) {
  if (text == "sync") return SaveMode::kSync;
  return text == "wait" ? SaveMode::kWait : SaveMode::kOverlap;
}

Checkpoints::Checkpoints(CheckpointStore& store, Engine& engine, std::vector<Instance*> stateful, Ledger& ledger, RunIdentity identity, Options options)
    : store_(store), engine_(engine), stateful_(std::move(stateful)), ledger_(ledger), identity_(std::move(identity)), options_(options), cost_(options.cost), thread_(store) {
  if (options_.mode != SaveMode::kSync) engine_.prepare_copies();
}

SaveThread::Job Checkpoints::make_job(const RunState& state, const std::map<std::string, double>& evaluation, SaveMode mode) {
  SaveThread::Job job;
  if (mode == SaveMode::kSync)
    direct_ = engine_.snapshot();
  else
    job.copy = std::move(copy_);
  const EngineState& tensors = job.copy ? job.copy->state() : direct_;
  job.snapshot.weights = tensors.weights;
  job.snapshot.optimizer = tensors.optimizer;
  job.snapshot.engine = tensors.engine;
  for (Instance* instance : stateful_)
    job.snapshot.plugin_states.push_back({instance->full_name(), instance->record().version, State(*instance).save()});
  job.snapshot.run_state_json = Json{{"state", to_json(state)}, {"ledger", ledger_.to_json()}, {"trajectory", identity_.trajectory},
                                     {"schedule_length", identity_.schedule_length}, {"data_fingerprint", identity_.data_fingerprint}, {"plugins", identity_.plugins}, {"model", identity_.model}, {"save_cost", to_json(cost_)}}.dump();
  job.snapshot.window = state.windows;
  job.snapshot.step = state.collected_step();
  job.snapshot.trajectory_hash = identity_.trajectory_hash;
  job.snapshot.evaluation = evaluation;
  return job;
}

void Checkpoints::begin_copy() {
  const Ledger::Scope scope(ledger_, Activity::kCheckpoint);
  const double started = monotonic_seconds();
  if (options_.mode != SaveMode::kSync) copy_ = engine_.copy_state();
  copy_seconds_ = monotonic_seconds() - started;
}

void Checkpoints::drop_copy() { copy_.reset(); }

void Checkpoints::begin(const RunState& state, const std::map<std::string, double>& evaluation) { begin(state, evaluation, options_.mode); }

void Checkpoints::save(const RunState& state, const std::map<std::string, double>& evaluation) {
  const Ledger::Scope scope(ledger_, Activity::kCheckpoint);
  drain();
  begin(state, evaluation, SaveMode::kSync);
}

void Checkpoints::begin(const RunState& state, const std::map<std::string, double>& evaluation, SaveMode mode) {
  const Ledger::Scope scope(ledger_, Activity::kCheckpoint);
  const double started = monotonic_seconds();
  SaveThread::Job job = make_job(state, evaluation, mode);
  const std::shared_ptr<StateCopy> copy = job.copy;
  saving_ = {state.windows, 0};
  saving_mode_ = mode;
  thread_.save(std::move(job));
  if (mode == SaveMode::kWait) copy->wait();
  if (mode == SaveMode::kSync) drain();
  blocking_seconds_ = monotonic_seconds() - started + std::exchange(copy_seconds_, 0);
}

Checkpoints::News Checkpoints::take_news(RunState& state) {
  SaveThread::News done = thread_.take_news();
  News news{{}, std::move(done.good)};
  for (FinishedSave& save : done.saves) {
    if (save.report.problem.empty()) {
      newest_id_ = save.report.info.id;
      state.pending_good[newest_id_] = saving_;
      const SaveReport& report = save.report;
      if (saving_mode_ == options_.mode) cost_.add(blocking_seconds_, save.copy_seconds + report.write_seconds + report.commit_seconds + report.verify_seconds);
    }
    news.saved.push_back({std::move(save.report), blocking_seconds_, save.copy_seconds});
  }
  return news;
}

void Checkpoints::count_health(RunState& state, const WindowRow& row) {
  const bool is_healthy = row.is_applied && std::isfinite(row.loss_sum) && std::isfinite(row.gradient_norm);
  const auto count = [&](PendingGood& pending) {
    if (row.window > pending.window) pending.healthy = is_healthy ? pending.healthy + 1 : 0;
  };
  count(saving_);
  for (auto entry = state.pending_good.begin(); entry != state.pending_good.end();) {
    count(entry->second);
    if (entry->second.healthy < options_.good_after) {
      ++entry;
      continue;
    }
    thread_.mark_good(entry->first);
    if (options_.mode == SaveMode::kSync) drain();
    entry = state.pending_good.erase(entry);
  }
}

std::optional<std::string> Checkpoints::restore_best_weights(const std::string& metric) {
  const auto best = store_.best(metric, false);
  if (!best) return std::nullopt;
  const LoadedCheckpoint loaded = store_.load(best->id, LoadScope::kWeights);
  engine_.restore_weights(loaded.weights);
  return best->id;
}

}  // namespace trainhost
