// A run put together: plugins, engine, data, checkpoints, telemetry, and the trainer over them. Commands open one and let it train, evaluate or sample.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/store.h"
#include "config/resolve.h"
#include "data/pipeline.h"
#include "engine/engine.h"
#include "ledger/ledger.h"
#include "loop/checkpoints.h"
#include "loop/engine_calls.h"
#include "loop/evaluations.h"
#include "loop/run_plugins.h"
#include "loop/telemetry_reports.h"
#include "loop/trainer.h"
#include "loop/training_source.h"
#include "plugin/data_source.h"
#include "plugin/precision_policy.h"

namespace trainhost {

/// A run that only shows that every phase works: a few windows, an evaluation of a few batches within them, a save at the end.
struct ShortRun {
  uint64_t windows = 3;  // until it stops, those of earlier sessions counted in
  uint64_t evaluate_every = 2, evaluation_batches = 2;
};

/// What a run is made of, all of it checked.
struct SessionSetup {
  ResolvedConfig config;
  std::vector<ChosenPlugin> plugins;  // as config.plugins
  std::vector<std::pair<std::string, std::vector<ChosenPlugin>>> evaluation_sources;  // set, its source and decorators
  std::vector<MixturePartSetup> mixture;  // empty: the training set has one source, that of `plugins`
  std::filesystem::path folder;
  std::vector<std::string> checkpoint_uris;  // one for each backend that is no decorator
  RunFacts facts;
  bool may_restore = false;                   // go on from the newest verified checkpoint, if there is one
  std::optional<std::string> checkpoint_id;   // restore this one instead of the newest
  std::vector<ChosenPlugin> other_backends;   // of checkpoints: installed, not chosen; for model.init_from
  std::string initial_uri;                    // not empty: a run without checkpoints of its own begins from the newest verified one there
  std::vector<std::string> accepted;          // --resume-without
  std::optional<ShortRun> short_run;          // trajectory and schedules stay those of the whole run
  bool is_training = true;                    // false: evaluation and sampling only
};

/// Where the seconds of a resume went, until the state of the checkpoint was on the device.
struct RestoreTimes {
  double read = 0;    // the checkpoint was found, read and checked; the engine's library and the device were readied beside it
  double engine = 0;  // what was left of that
  double build = 0;   // data opened, model and optimizer built
  double copy = 0;    // the state was copied into them
};

/// What the data and the model turned out to be.
struct SessionReport {
  DeviceReport device;
  ModelReport model;
  trainhost_precision_plan precision{};
  uint64_t train_samples = 0;
  bool has_text = false;     // prompts can be encoded
};

class Session {
 public:
  /// Loads, creates, restores, starts; trains nothing. Signals are blocked already. [main] Throws Error.
  Session(SessionSetup setup, Ledger& ledger, Console& console, Telemetry& telemetry, Preemption* preemption);
  ~Session();

  const SessionReport& report() const { return report_; }
  const ResolvedConfig& config() const { return setup_.config; }
  /// The checkpoint that the session began from; nullptr for a new run.
  const CheckpointInfo* restored() const { return restored_ ? &*restored_ : nullptr; }
  /// What model.init_from gave, as initialise_weights() says; null for a run that did not begin so, or not now.
  const nlohmann::json& initial_weights() const { return initial_weights_; }

  const RestoreTimes& restore_times() const { return restore_times_; }

  /// Time and memory of one micro-batch, forward and backward, which leaves no trace. Throws OutOfMemory.
  struct MicroBatchCost {
    double seconds = 0;
    uint64_t peak_memory_bytes = 0;
    WindowCut window;
  };
  MicroBatchCost measure_micro_batch();

  /// What saves and interruptions are going to lose. `window_seconds`: how long a window takes, NaN: not known.
  SaveOutlook save_outlook(double window_seconds);

  const RunIdentity& identity() const { return identity_; }
  /// That of the checkpoint that the run goes on from, else the setup's.
  const std::string& run_id() const { return setup_.facts.run_id; }
  /// Consumed so far, exact once training has ended.
  Amounts amounts() const { return collected_amounts(trainer_->state(), {report_.train_samples, {}}, ledger_); }

  /// What waiting for data has cost in this process. Of a session that trains.
  DataSummary data_summary() const { return reporter_->data_summary(); }
  /// How many threads read the training set, in words.
  std::string data_threads_text() const;
  /// A thread may hang in a plugin, which forbids to let it go.
  bool has_left_behind() const;

  Trainer& trainer() { return *trainer_; }
  Evaluations& evaluations() { return *evaluations_; }
  Checkpoints& checkpoints() { return *checkpoints_; }
  CheckpointStore& store() { return *store_; }
  Engine& engine() { return *engine_; }
  std::vector<Instance*> instances() const { return plugins_->instances(); }

  /// Continues the prompt; empty when the source has no text. Throws Error(kConfig) when the model makes no text.
  std::string sample_text(const SampleConfig& sample, uint64_t seed);

 private:
  void open_checkpoints();
  void adopt_run_id(const std::string& run_id);
  std::optional<RestoredRun> load_checkpoint();
  RestoredRun load_initial_checkpoint();
  void load_plugin_states(const RestoredRun& run);
  void require_same_data(const RestoredRun& run) const;
  void open_sources();
  void register_op_packs(const trainhost_precision_plan& plan);
  const void* recomputable(const Instance& model) const;
  std::vector<const void*> capture_aware(std::vector<const Instance*> instances) const;
  void limit_values();
  void prepare_engine(bool values_follow);
  void restore_engine(const RestoredRun& run);
  std::vector<TensorView> engine_state_of(const LoadedCheckpoint& checkpoint);
  void take_initial_weights();
  void make_trainer(RunState state);
  std::optional<double> mean_between_interruptions() const;
  uint64_t schedule_steps(const RunState& state);
  std::vector<FieldSpec> model_fields() const;

  SessionSetup setup_;
  RunFacts backend_facts_;  // as they were when the checkpoint backends were started
  Ledger& ledger_;
  Console& console_;
  Telemetry& telemetry_;
  Preemption* preemption_;
  SessionReport report_;
  std::optional<CheckpointInfo> restored_;
  RestoreTimes restore_times_;
  RunIdentity identity_;
  nlohmann::json initial_weights_;
  std::string schedule_length_;
  SaveCost save_cost_;

  TelemetryReports plugin_reports_;
  EngineCalls engine_calls_;

  // In the order of their making: what stands below uses what stands above, and goes first.
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<RunPlugins> plugins_;
  std::unique_ptr<TrainingSource> training_source_;
  std::vector<std::unique_ptr<RunPlugins>> evaluation_plugins_;
  std::unique_ptr<RegisteredOps> registered_ops_;
  std::unique_ptr<CheckpointBackend> backend_;
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<CheckpointStore> store_;
  std::vector<std::unique_ptr<DataSource>> evaluation_data_;
  std::unique_ptr<DataPipeline> data_;
  std::unique_ptr<AccumulationSchedule> accumulation_schedule_;
  std::unique_ptr<LrSchedule> lr_schedule_;
  std::unique_ptr<Rates> rates_;
  std::unique_ptr<Rules> rules_;
  std::unique_ptr<Evaluations> evaluations_;
  std::unique_ptr<Checkpoints> checkpoints_;
  std::unique_ptr<Reporter> reporter_;
  std::unique_ptr<Trainer> trainer_;
};

}  // namespace trainhost
