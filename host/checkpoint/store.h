// Checkpoints of a run: written, read back, verified, kept or removed, found again. The format is described in record.h.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_view.h"
#include "checkpoint/buffer.h"
#include "checkpoint/object_store.h"
#include "checkpoint/retrying_store.h"

namespace trainhost {

struct CheckpointFolder;
struct CheckpointId;
struct TransferOptions;

struct PluginState {
  std::string name;     // "kind/name"
  std::string version;  // of the plugin that wrote it
  std::string bytes;
};

/// What is saved. Everything is borrowed until save() returns.
struct Snapshot {
  std::span<const TensorView> weights, optimizer, engine;  // weights and optimizer slots must be finite
  std::vector<PluginState> plugin_states;
  std::string run_state_json;  // the loop's own: progress, sampler position, undelivered rows, ledger, config; opaque here
  uint64_t window = 0, step = 0;
  std::string trajectory_hash;
  std::map<std::string, double> evaluation;  // newest evaluation metrics, for keeping the best; those that are not finite are left out
};

struct CheckpointInfo {
  std::string id;  // "step-000000000400-a000001-n000003": step, attempt, number of the save within the attempt
  uint64_t window = 0, step = 0;
  uint64_t attempt = 0, save = 0;  // (attempt, save) is the order of age
  bool is_verified = false, is_good = false;
  uint64_t bytes = 0;
  int64_t unix_ms = 0;
  std::map<std::string, double> evaluation;
  std::string problem;  // why its commit record cannot be read; such a one is not verified
  bool is_committed = true;
  bool is_newer_format = false, is_superseded = false;  // only a newer program reads it; committed by a process that had been replaced
  std::string mark_problem = {};  // why one of its marks does not count, where one is damaged
};

struct SaveReport {
  CheckpointInfo info;     // is_verified false: see problem
  std::string problem;     // "weights: tensor h.0.weight, element 17 is nan"; such a save writes nothing
  double write_seconds = 0, commit_seconds = 0, verify_seconds = 0;
  uint64_t bytes = 0;
  uint64_t num_removed = 0;  // older checkpoints that retention took away
};

/// A checkpoint in memory; every byte was checked. The views point into `buffers`, which move along.
struct LoadedCheckpoint {
  CheckpointInfo info;
  std::vector<TensorView> weights, optimizer, engine;
  std::vector<PluginState> plugin_states;
  std::string run_state_json, run_id, trajectory_hash;
  std::vector<Buffer> buffers;
};

/// One reason why a checkpoint cannot be used. region: commit, manifest, header, data, or mark, without which it can be.
struct CheckpointDamage {
  std::string id, region, object, reason;
};
using OnDamaged = std::function<void(const CheckpointDamage&)>;

struct StoreOptions {
  std::string run_id;
  std::string prefix;             // of all keys: empty, or ends with '/'
  uint64_t keep_last = 2;         // verified ones; at least 1
  uint64_t keep_every = 0;        // steps: of every so many the first checkpoint stays; 0: off
  uint64_t keep_best = 1;         // verified ones with the best value of best_metric
  std::string best_metric;        // key of Snapshot::evaluation; empty: none is kept for its value
  bool is_higher_better = false;
  uint64_t block_bytes = uint64_t{8} << 20;  // one checksum each; a multiple of 4096
  unsigned num_threads = 2;       // for parts and blocks, beside training
  unsigned load_threads = 2;      // while nothing else goes on
  unsigned tries = 5;             // of a call that is UNAVAILABLE
  std::function<void(double)> wait;  // seconds between tries; default: sleeps
};

enum class LoadScope { kAll, kWeights };  // kWeights leaves optimizer and engine unread

/// All calls from one thread. What cannot be written says which checkpoint is safe. Saving claims an attempt number first; a process that sees a higher one has been replaced, and stops writing.
class CheckpointStore {
 public:
  CheckpointStore(ObjectStore& objects, StoreOptions options);

  /// Takes the next attempt number, so that an older process of the same run can write no more, and what it still commits is ignored by those who come
  /// later. save() does it when it was not called before. Throws Error(kCheckpointUnwritable), also when another process has claimed the place since this
  /// one looked for what to go on from: that one may be further, and is not to be replaced by an older state.
  void claim();
  /// For what is written from now on: a run that goes on elsewhere keeps its id.
  void set_run_id(const std::string& run_id) { options_.run_id = run_id; }

  /// Writes, commits, reads back, marks verified, then removes what retention does not keep. Throws Error(kCheckpointUnwritable); nothing half is left then.
  SaveReport save(const Snapshot& snapshot);

  /// Committed checkpoints, oldest first. One whose commit record cannot be read is listed by what its id says, not verified, with the problem.
  std::vector<CheckpointInfo> list();

  /// The newest checkpoint that passes every check; damaged ones are reported on the way. Empty when none was ever committed. Those of a process that had
  /// been replaced come last. Throws Error(kCheckpointUnreadable) when there are some and none can be read, when the newest is of a newer format, or when
  /// the place cannot be reached.
  std::optional<LoadedCheckpoint> load_newest_verified(const OnDamaged& on_damaged = {}, LoadScope scope = LoadScope::kAll);
  /// The same among those that are good: what a run goes back to. Empty when none is good; the caller says whether that is an error.
  std::optional<LoadedCheckpoint> load_newest_good(const OnDamaged& on_damaged = {}, LoadScope scope = LoadScope::kAll);
  /// Without reading its data.
  std::optional<CheckpointInfo> newest_good();
  /// Throws Error(kCheckpointUnreadable).
  LoadedCheckpoint load(const std::string& id, LoadScope scope = LoadScope::kAll);

  /// The verified checkpoint with the best value of the metric; of equals the newer.
  std::optional<CheckpointInfo> best(const std::string& metric, bool is_higher_better);

  /// False when the checkpoint is no longer there. Throws Error(kCheckpointUnwritable).
  bool mark_good(const std::string& id);

  /// Throws Error(kCheckpointUnwritable) when the place does not answer: a backend may start without it, since it may be the far side of a mirror.
  void require_answer();

  /// Writes, reads back and removes one object. Throws Error(kCheckpointUnwritable). Leaves nothing behind.
  void probe();

  /// Empties the place, for what was only a trial. Throws PluginCallError.
  void remove_all();

 private:
  struct Look;
  struct Writing;
  Look look_around();
  Error unwritable(const std::string& what, const std::string& why) const;
  std::string what_is_safe() const;
  SaveReport try_save(const Snapshot& snapshot);
  void write(const Snapshot& snapshot, Writing& writing);
  void commit(const Snapshot& snapshot, Writing& writing);
  void verify(Writing& writing);
  void discard(const Writing& writing);
  uint64_t retain();
  void require_newest_attempt(uint64_t step);
  std::vector<CheckpointInfo> describe_all(const std::vector<CheckpointFolder>& folders);
  std::optional<LoadedCheckpoint> load_first(const std::vector<const CheckpointFolder*>& candidates, const OnDamaged& on_damaged, LoadScope scope);
  LoadedCheckpoint load_any_copy(const CheckpointFolder& folder, LoadScope scope);
  bool has_right_mark(const CheckpointFolder& folder, std::string_view name);
  std::string place(const CheckpointId& id) const;
  TransferOptions transfer() const;

  StoreOptions options_;
  RetryingStore objects_;
  uint64_t attempt_ = 0, num_saves_ = 0;
  std::optional<uint64_t> attempt_at_look_;  // that a claim must get, or another process came in between
  std::string origin_;  // id of the checkpoint that was loaded from here
  std::string newest_;  // id of the newest one that this process has verified
};

}  // namespace trainhost
