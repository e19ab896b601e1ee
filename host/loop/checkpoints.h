// Joins engine, plugins, ledger and the loop's own state into checkpoints, and takes them apart again.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "checkpoint/store.h"
#include "engine/engine.h"
#include "ledger/ledger.h"
#include "loop/run_state.h"
#include "plugin/instance.h"

namespace trainhost {

/// What stands beside the loop's state in every checkpoint of a run.
struct RunIdentity {
  nlohmann::json trajectory;    // config/trajectory.h
  std::string trajectory_hash;
  std::string schedule_length;  // as text, empty: none
  std::string data_fingerprint = {};  // of the training set, as its source says, in hex
  nlohmann::json plugins = nlohmann::json::array();  // of {plugin, version, sha256}: the files that the numbers were made with
};

/// A checkpoint that was read: the loop's part unpacked, the rest as it came.
struct RestoredRun {
  LoadedCheckpoint checkpoint;
  RunState state;
  RunIdentity identity;
  nlohmann::json ledger;
};
/// Throws Error(kCheckpointUnreadable).
RestoredRun unpack(LoadedCheckpoint checkpoint);

class Checkpoints {
 public:
  struct Options {
    uint64_t good_after = 50;  // healthy windows that make a verified checkpoint good
  };

  Checkpoints(CheckpointStore& store, Engine& engine, std::vector<Instance*> stateful, Ledger& ledger, RunIdentity identity, Options options)
      : store_(store), engine_(engine), stateful_(std::move(stateful)), ledger_(ledger), identity_(std::move(identity)), options_(options) {}

  /// Every row up to state.windows must have been collected. Waits. Throws Error(kCheckpointUnwritable).
  SaveReport save(RunState& state, const std::map<std::string, double>& evaluation);

  /// Counts a window for the checkpoints that wait to become good; returns the ids that just did.
  std::vector<std::string> count_health(RunState& state, const WindowRow& row);

  /// The id of the checkpoint with the lowest value of the metric, whose weights are then in the engine; nullopt: none is left.
  std::optional<std::string> restore_best_weights(const std::string& metric);

  const std::string& newest_id() const { return newest_id_; }

 private:
  CheckpointStore& store_;
  Engine& engine_;
  std::vector<Instance*> stateful_;
  Ledger& ledger_;
  RunIdentity identity_;
  Options options_;
  std::string newest_id_;  // of this process
};

}  // namespace trainhost
