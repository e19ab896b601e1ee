// Packing and unpacking of checkpoints.
#include "loop/checkpoints.h"

#include <cmath>

#include "plugin/state.h"

namespace trainhost {

using Json = nlohmann::json;

RestoredRun unpack(LoadedCheckpoint checkpoint) {
  RestoredRun run;
  try {
    const Json all = Json::parse(checkpoint.run_state_json);
    run.state = run_state_from_json(all.at("state"));
    run.ledger = all.at("ledger");
    run.identity = {all.at("trajectory"), checkpoint.trajectory_hash, all.at("schedule_length"), all.at("data_fingerprint"), all.value("plugins", Json::array())};
  } catch (const Json::exception& problem) {
    throw Error(ExitCode::kCheckpointUnreadable, format("checkpoint {}: the loop's state is not as this version writes it: {}; resume with the trainhost that wrote it",
                                                        checkpoint.info.id, problem.what()));
  }
  if (!checkpoint.info.is_good) run.state.pending_good[checkpoint.info.id] = {run.state.windows, 0};
  run.checkpoint = std::move(checkpoint);
  return run;
}

SaveReport Checkpoints::save(RunState& state, const std::map<std::string, double>& evaluation) {
  const Ledger::Scope scope(ledger_, Activity::kCheckpoint);
  const Engine::State tensors = engine_.snapshot();
  Snapshot snapshot;
  snapshot.weights = tensors.weights;
  snapshot.optimizer = tensors.optimizer;
  snapshot.engine = tensors.engine;
  for (Instance* instance : stateful_)
    snapshot.plugin_states.push_back({instance->full_name(), instance->record().version, State(*instance).save()});
  snapshot.run_state_json = Json{{"state", to_json(state)}, {"ledger", ledger_.to_json()}, {"trajectory", identity_.trajectory},
                                 {"schedule_length", identity_.schedule_length}, {"data_fingerprint", identity_.data_fingerprint}, {"plugins", identity_.plugins}}.dump();
  snapshot.window = state.windows;
  snapshot.step = state.collected_step();
  snapshot.trajectory_hash = identity_.trajectory_hash;
  snapshot.evaluation = evaluation;
  SaveReport report = store_.save(snapshot);
  if (!report.problem.empty()) return report;
  newest_id_ = report.info.id;
  state.pending_good[report.info.id] = {state.windows, 0};
  return report;
}

std::vector<std::string> Checkpoints::count_health(RunState& state, const WindowRow& row) {
  const bool is_healthy = row.is_applied && std::isfinite(row.loss_sum) && std::isfinite(row.gradient_norm);
  std::vector<std::string> good;
  for (auto entry = state.pending_good.begin(); entry != state.pending_good.end();) {
    PendingGood& pending = entry->second;
    if (row.window > pending.window) pending.healthy = is_healthy ? pending.healthy + 1 : 0;
    if (pending.healthy < options_.good_after) {
      ++entry;
      continue;
    }
    if (store_.mark_good(entry->first)) good.push_back(entry->first);
    entry = state.pending_good.erase(entry);
  }
  return good;
}

std::optional<std::string> Checkpoints::restore_best_weights(const std::string& metric) {
  const auto best = store_.best(metric, false);
  if (!best) return std::nullopt;
  const LoadedCheckpoint loaded = store_.load(best->id, LoadScope::kWeights);
  engine_.restore_weights(loaded.weights);
  return best->id;
}

}  // namespace trainhost
