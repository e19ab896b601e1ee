// Joins engine, plugins, ledger and the loop's own state into checkpoints, and takes them apart again.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "checkpoint/store.h"
#include "engine/engine.h"
#include "ledger/ledger.h"
#include "loop/run_state.h"
#include "loop/save_schedule.h"
#include "loop/save_thread.h"
#include "plugin/instance.h"

namespace trainhost {

/// What stands beside the loop's state in every checkpoint of a run.
struct RunIdentity {
  nlohmann::json trajectory;    // config/trajectory.h
  std::string trajectory_hash;
  std::string schedule_length;  // as text, empty: none
  std::string data_fingerprint = {};  // of the training set, as its source says, in hex
  nlohmann::json plugins = nlohmann::json::array();  // of {plugin, version, sha256}: the files that the numbers were made with
  nlohmann::json model = nlohmann::json::object();   // plugin, and hugging_face where the model has such a layout: {config, tensors} or {refusal}
};

/// A checkpoint that was read: the loop's part unpacked, the rest as it came.
struct RestoredRun {
  LoadedCheckpoint checkpoint;
  RunState state;
  RunIdentity identity;
  nlohmann::json ledger;
  SaveCost save_cost;
};
/// Throws Error(kCheckpointUnreadable).
RestoredRun unpack(LoadedCheckpoint checkpoint);

/// How a save and training share the time: while the state is copied and written, training goes on (overlap); it waits for the copy (wait), or for all of it (sync).
enum class SaveMode { kOverlap, kWait, kSync };
/// "overlap", "wait" or "sync".
SaveMode parse_save_mode(std::string_view text);

class Checkpoints {
 public:
  struct Options {
    uint64_t good_after = 50;  // healthy windows that make a verified checkpoint good
    SaveMode mode = SaveMode::kOverlap;
    SaveCost cost = {};  // of the run so far
  };

  Checkpoints(CheckpointStore& store, Engine& engine, std::vector<Instance*> stateful, Ledger& ledger, RunIdentity identity, Options options);

  /// Begins the copy of a save, unless the mode is sync, behind what the device has to do. Not while is_saving().
  void begin_copy();
  void drop_copy();
  /// Begins a save in the mode of the options, of the copy that was begun. Not while is_saving(). Every row up to state.windows must have been collected.
  void begin(const RunState& state, const std::map<std::string, double>& evaluation);
  /// Waits for what is under way, then saves in mode sync.
  void save(const RunState& state, const std::map<std::string, double>& evaluation);
  bool is_saving() const { return thread_.is_saving(); }
  void drain() { thread_.drain(); }

  struct Saved {
    SaveReport report;
    double blocking_seconds = 0, copy_seconds = 0;  // how long training stood still; of the copy to host memory
  };
  struct News {
    std::vector<Saved> saved;
    std::vector<std::string> good;  // ids
  };
  /// What ended since the last call; enters saved checkpoints into state.pending_good. Does not wait. Throws Error(kCheckpointUnwritable).
  News take_news(RunState& state);

  /// Counts a window for the checkpoints that wait to become good.
  void count_health(RunState& state, const WindowRow& row);

  /// The id of the checkpoint with the lowest value of the metric, whose weights are then in the engine; nullopt: none is left. After drain().
  std::optional<std::string> restore_best_weights(const std::string& metric);

  const std::string& newest_id() const { return newest_id_; }
  /// Of the saves in the mode of the options.
  const SaveCost& cost() const { return cost_; }

 private:
  SaveThread::Job make_job(const RunState& state, const std::map<std::string, double>& evaluation, SaveMode mode);
  void begin(const RunState& state, const std::map<std::string, double>& evaluation, SaveMode mode);

  CheckpointStore& store_;
  Engine& engine_;
  std::vector<Instance*> stateful_;
  Ledger& ledger_;
  RunIdentity identity_;
  Options options_;
  std::string newest_id_;         // of this process
  EngineState direct_;            // what a save in mode sync reads: the engine's own memory
  SaveCost cost_;
  SaveMode saving_mode_ = SaveMode::kSync;  // of the save under way
  std::unique_ptr<StateCopy> copy_;  // begun for a save that has not begun
  double copy_seconds_ = 0;          // that the host took to begin it
  double blocking_seconds_ = 0;      // of the save under way
  PendingGood saving_;            // what the save under way will wait for once it is verified
  SaveThread thread_;             // last: it uses the store
};

}  // namespace trainhost
