// Putting a run together, in the order in which its parts need each other.
#include "loop/session.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/crash_report.h"
#include "base/log.h"
#include "config/trajectory.h"
#include "loop/device_change.h"
#include "loop/initial_weights.h"
#include "loop/model_layout.h"
#include "loop/other_run.h"
#include "loop/run_folder.h"
#include "plugin/kind.h"
#include "plugin/state.h"
#include "telemetry/plugin_observer.h"

namespace trainhost {
namespace {

constexpr unsigned kSaveThreads = 4, kLoadThreads = 8;  // at most; a disk needs no more of them
constexpr const char* kTextModelInterface = "trainhost.torch.text_model/1";
constexpr const char* kValueLimitsInterface = "trainhost.torch.value_limits/1";
constexpr const char* kCaptureAwareInterface = "trainhost.torch.capture_aware/1";
constexpr const char* kRecomputableInterface = "trainhost.torch.recomputable/1";

const void* main_interface(const Instance& instance) { return instance.interface(std::string(find_kind(instance.record().kind)->interface_id).c_str()); }

// Backends that are no decorators take the URIs in their order.
std::vector<ChosenPlugin> with_uris(std::vector<ChosenPlugin> plugins, const std::vector<std::string>& uris) {
  size_t next = 0;
  for (ChosenPlugin& plugin : plugins)
    if (plugin.record.kind == "checkpoint_backend" && plugin.record.decorates == 0 && next < uris.size()) plugin.config["uri"] = uris[next++];
  return plugins;
}

nlohmann::json plugin_files(std::span<const ChosenPlugin> plugins) {
  nlohmann::json files = nlohmann::json::array();
  for (const ChosenPlugin& plugin : plugins) files.push_back({{"plugin", plugin.record.full_name()}, {"version", plugin.record.version}, {"sha256", plugin.sha256}});
  return files;
}

// Another build of a plugin may compute other numbers; whether it does only its author knows, so a resume goes on and says so.
void warn_of_other_files(const nlohmann::json& saved, std::span<const ChosenPlugin> plugins, const std::string& checkpoint) {
  for (const ChosenPlugin& plugin : plugins)
    for (const nlohmann::json& before : saved)
      if (before.value("plugin", "") == plugin.record.full_name() && before.value("sha256", "") != plugin.sha256)
        log_warning("{}: checkpoint {} was written with version {}, sha256 {}; {} has version {}, sha256 {}", plugin.record.full_name(), checkpoint,
                    before.value("version", ""), before.value("sha256", ""), plugin.record.file.string(), plugin.record.version, plugin.sha256);
}

// NAME of --resume-without may be a plugin's bare name too.
bool is_accepted(const std::vector<std::string>& accepted, const std::string& full_name) {
  return std::any_of(accepted.begin(), accepted.end(), [&](const std::string& name) { return full_name == name || full_name.ends_with("/" + name); });
}

std::string hex(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes) text += format("{:02x}", byte);
  return text;
}

Interval windows_interval(uint64_t windows) { return parse_interval(format("{}window", windows), "short run"); }

void shorten(Evaluations::Set& set, const ShortRun& limits) {
  set.config.every = windows_interval(limits.evaluate_every);
  const uint64_t few = limits.evaluation_batches * set.micro_batch_samples;
  if (set.config.max_samples == 0 || set.config.max_samples > few) set.config.max_samples = few;
}

}  // namespace

Session::Session(SessionSetup setup, Ledger& ledger, Console& console, Telemetry& telemetry, Preemption* preemption)
    : setup_(std::move(setup)), ledger_(ledger), console_(console), telemetry_(telemetry), preemption_(preemption), plugin_reports_(telemetry), engine_calls_(ledger) {
  const RunConfig& run = setup_.config.run;
  plugins_ = std::make_unique<RunPlugins>(without_parts(with_uris(setup_.plugins, setup_.checkpoint_uris), setup_.mixture), &ledger_, &plugin_reports_);
  training_source_ = std::make_unique<TrainingSource>(*plugins_, setup_.mixture, &ledger_, &plugin_reports_);
  for (const auto& [set, sources] : setup_.evaluation_sources) evaluation_plugins_.push_back(std::make_unique<RunPlugins>(sources, &ledger_));
  const EngineOptions engine_options{run.device, run.seed, run.execution.threads, run.execution.cuda_graph};
  const std::future<void> warming_up = warm_engine_up(engine_options);  // beside the reading: both take seconds
  double since = monotonic_seconds();
  const auto lap = [&] {
    const double before = std::exchange(since, monotonic_seconds());
    return since - before;
  };
  open_checkpoints();  // started before the others: their state comes from there
  std::optional<RestoredRun> restored = load_checkpoint();
  restore_times_.read = lap();
  engine_ = open_engine(engine_options);
  watch_for_exit();  // once more: what LibTorch does at an exit comes after it then
  restore_times_.engine = lap();
  if (restored && setup_.is_training && parse_save_mode(run.checkpoint.mode) != SaveMode::kSync) {
    const Buffer& block = restored->checkpoint.buffers.front();  // as large as the copies to come, and met already
    engine_->adopt_for_copies(block.memory(), block.size());
  }
  if (restored && setup_.is_training) load_plugin_states(*restored);
  setup_.facts.is_resumed = restored.has_value();
  plugins_->start(setup_.facts);
  training_source_->start(setup_.facts);
  for (const auto& sources : evaluation_plugins_) sources->start(setup_.facts);
  open_sources();
  if (restored && setup_.is_training) require_same_data(*restored);
  prepare_engine(/*values_follow=*/restored.has_value());
  restore_times_.build = lap();
  if (restored) restore_engine(*restored);
  else if (setup_.is_training && !setup_.config.run.model.init_from.empty()) take_initial_weights();
  restore_times_.copy = lap();
  if (restored) save_cost_ = restored->save_cost;
  make_trainer(restored ? std::move(restored->state) : RunState{});
}

Session::~Session() {
  if (data_) data_->cancel();
}

void Session::open_checkpoints() {
  backend_facts_ = setup_.facts;
  plugins_->start(backend_facts_, "checkpoint_backend");
  backend_ = std::make_unique<CheckpointBackend>(plugins_->one("checkpoint_backend"));
  objects_ = make_object_store(*backend_);
  const RunConfig& run = setup_.config.run;
  StoreOptions options;
  options.run_id = setup_.facts.run_id;
  options.keep_last = run.checkpoint.keep_last;
  options.keep_every = run.checkpoint.keep_every;
  options.keep_best = run.checkpoint.keep_best;
  if (!run.evaluations.empty()) options.best_metric = run.evaluations.front().name + "/loss";
  const unsigned num_cores = std::max(2u, std::thread::hardware_concurrency());
  options.num_threads = std::clamp(num_cores / 2, 2u, kSaveThreads);
  options.load_threads = std::clamp(num_cores / 2, 2u, kLoadThreads);
  store_ = std::make_unique<CheckpointStore>(*objects_, options);
  store_->require_answer();
}

std::optional<RestoredRun> Session::load_checkpoint() {
  std::optional<RestoredRun> run;
  if (setup_.checkpoint_id) {
    run = unpack(store_->load(*setup_.checkpoint_id));
  } else if (setup_.may_restore) {
    auto loaded = store_->load_newest_verified(warn_of_damage);
    if (loaded) run = unpack(std::move(*loaded));
    if (run) adopt_run_id(run->checkpoint.run_id);
  } else if (!store_->list().empty()) {  // a place outside of the run folder, which another machine may have filled; retention would empty it
    throw Error(ExitCode::kConfig, format("{}: an earlier run of this name left checkpoints there; go on with them (--resume auto), or start a new run with --name NAME", setup_.checkpoint_uris.front()));
  }
  if (!run && !setup_.initial_uri.empty()) run = load_initial_checkpoint();
  const auto length = effective_schedule_length(setup_.config, run ? std::optional(run->identity.schedule_length) : std::nullopt);
  identity_.schedule_length = length ? length->text : "";
  identity_.trajectory = trajectory(setup_.config, length);
  if (run && run->identity.trajectory.contains(kInitialWeights)) identity_.trajectory[kInitialWeights] = run->identity.trajectory[kInitialWeights];
  identity_.trajectory_hash = trajectory_hash(identity_.trajectory);
  identity_.plugins = plugin_files(setup_.plugins);
  if (run && setup_.is_training) require_same_trajectory(run->identity.trajectory, identity_.trajectory, setup_.accepted, format("checkpoint {}", run->checkpoint.info.id));
  if (run) warn_of_other_files(run->identity.plugins, setup_.plugins, run->checkpoint.info.id);
  if (run) restored_ = run->checkpoint.info;
  return run;
}

// A place outside of the run folder may hold what another machine began: it is the same run.
void Session::adopt_run_id(const std::string& run_id) {
  setup_.facts.run_id = run_id;
  store_->set_run_id(run_id);
}

RestoredRun Session::load_initial_checkpoint() {
  const std::string& uri = setup_.initial_uri;
  RestoredRun run = unpack(load_of_other_run(uri, setup_.plugins, setup_.facts, &ledger_, LoadScope::kAll, format("--resume {}", uri)));
  run.state.pending_good.clear();  // they are the other run's
  return run;
}

void Session::load_plugin_states(const RestoredRun& run) {
  const auto is_accepted = [&](const std::string& full_name) { return trainhost::is_accepted(setup_.accepted, full_name); };
  std::vector<PluginState> saved = run.checkpoint.plugin_states;
  for (Instance* instance : plugins_->instances()) {
    if (!instance->record().is_stateful) continue;
    const auto state = std::find_if(saved.begin(), saved.end(), [&](const PluginState& candidate) { return candidate.name == instance->full_name(); });
    if (state == saved.end() && !is_accepted(instance->full_name()))
      throw Error(ExitCode::kConfig, format("{}: checkpoint {} holds no state of it; --resume-without {} starts it afresh", instance->full_name(), run.checkpoint.info.id, instance->record().name));
    if (state == saved.end()) continue;
    if (!is_accepted(instance->full_name())) State(*instance).load(state->version, state->bytes);
    saved.erase(state);
  }
  for (const PluginState& left : saved)
    if (!is_accepted(left.name))
      throw Error(ExitCode::kConfig, format("checkpoint {}: holds the state of {}, which this run does not use; --resume-without {} leaves it out", run.checkpoint.info.id, left.name, left.name));
}

void Session::open_sources() {
  training_source_->open();
  const SourceInfo& info = training_source_->samples().info();
  for (const auto& sources : evaluation_plugins_) {
    evaluation_data_.push_back(std::make_unique<DataSource>(sources->one("data_source")));
    evaluation_data_.back()->info();
  }
  identity_.data_fingerprint = hex(info.fingerprint);
  report_.train_samples = info.num_samples;
  report_.has_text = training_source_->text() != nullptr;
}

// The config may be the same and the files others.
void Session::require_same_data(const RestoredRun& run) const {
  if (run.identity.data_fingerprint == identity_.data_fingerprint || is_accepted(setup_.accepted, "data")) return;
  for (const Difference& difference : trajectory_differences(run.identity.trajectory, identity_.trajectory))
    if (difference.plugin.starts_with("data_source/") || difference.key.starts_with("data.mixture.")) return;  // other keys, which were accepted, are other data
  const std::string name = training_source_->samples().name();
  throw Error(ExitCode::kConfig, format("checkpoint {}: the run was trained on other data: what {} reads has changed since (fingerprint {} then, {} now); "
                                        "put the data back, accept the change with --resume-without data, or start a new run with --name NAME",
                                        run.checkpoint.info.id, name, run.identity.data_fingerprint.substr(0, 12), identity_.data_fingerprint.substr(0, 12)));
}

// A source's field feeds the model's input of the same name; [model] fields maps others.
std::vector<FieldSpec> Session::model_fields() const {
  std::vector<FieldSpec> fields = training_source_->samples().info().fields;
  for (const auto& [input, field_name] : setup_.config.run.model.fields) {
    const auto field = std::find_if(fields.begin(), fields.end(), [&](const FieldSpec& candidate) { return candidate.name == field_name; });
    if (field == fields.end())
      throw Error(ExitCode::kConfig, format("model.fields.{}: the source {} has no field \"{}\"", input, training_source_->samples().name(), field_name));
    field->name = input;
  }
  return fields;
}

void Session::register_op_packs(const trainhost_precision_plan& plan) {
  OpPackSetup setup;
  for (const Instance* pack : plugins_->all("op_pack")) {
    setup.packs.push_back({pack->full_name(), main_interface(*pack), pack->account()});
    engine_calls_.add(*pack);
  }
  setup.order = setup_.config.run.op_pack.order;
  setup.meter = &engine_calls_;
  registered_ops_ = engine_->register_op_packs(setup, plan);
  for (const std::string& description : registered_ops_->descriptions()) log_info("{}: replaced for this run", description);
}

// Those of the plugins that want to be told when work is recorded.
std::vector<const void*> Session::capture_aware(std::vector<const Instance*> instances) const {
  for (const Instance* pack : plugins_->all("op_pack")) instances.push_back(pack);
  std::vector<const void*> found;
  for (const Instance* instance : instances)
    if (const void* one = instance->interface(kCaptureAwareInterface)) found.push_back(one);
  return found;
}

// The model as one that computes its blocks again in the backward pass; null when the config does not ask for it.
const void* Session::recomputable(const Instance& model) const {
  if (setup_.config.run.model.recompute == "none") return nullptr;
  if (const void* found = model.interface(kRecomputableInterface)) return found;
  throw Error(ExitCode::kConfig, format("model.recompute = \"{}\": {} cannot compute its blocks again (it offers no {}); remove the key, or choose a model that can",
                                        setup_.config.run.model.recompute, model.full_name(), kRecomputableInterface));
}

// The sources know the fields under their own names.
void Session::limit_values() {
  std::vector<ValueLimit> limits = report_.model.value_limits;
  for (ValueLimit& limit : limits)
    if (const auto mapped = setup_.config.run.model.fields.find(limit.field); mapped != setup_.config.run.model.fields.end()) limit.field = mapped->second;
  training_source_->limit_values(limits);
  for (const auto& source : evaluation_data_) source->limit_values(limits);
}

void Session::prepare_engine(bool values_follow) {
  const RunConfig& run = setup_.config.run;
  const Instance& model = plugins_->one("model");
  EngineSetup engine_setup;
  engine_setup.plan = PrecisionPolicy(plugins_->one("precision_policy")).plan(engine_->device_facts());
  engine_setup.fields = model_fields();
  engine_setup.clip_norm = run.clip_norm;
  engine_setup.freeze = run.model.freeze;
  engine_setup.values_follow = values_follow;
  for (const ParameterGroup& group : run.groups) engine_setup.groups.push_back({group.label, group.pattern, group.rate_multiplier, group.weight_decay});
  engine_setup.meter = &engine_calls_;
  engine_calls_.add(model);
  engine_setup.model_account = model.account();
  TorchPlugins torch;
  torch.model = main_interface(model);
  torch.text_model = model.interface(kTextModelInterface);
  torch.value_limits = model.interface(kValueLimitsInterface);
  if (setup_.is_training) {
    const Instance& optimizer = plugins_->one("optimizer");
    torch.optimizer = main_interface(optimizer);
    torch.recomputable = recomputable(model);
    engine_setup.optimizer_account = optimizer.account();
    engine_calls_.add(optimizer);
    torch.capture_aware = capture_aware({&model, &optimizer});
  }
  register_op_packs(engine_setup.plan);
  engine_->prepare(engine_setup, torch);
  report_.precision = engine_setup.plan;
  report_.device = engine_->device();
  report_.model = engine_->model_report();
  limit_values();
  identity_.model = model_identity(model);
}

// Random numbers cannot go on from one type of device to another, and sums round otherwise: that is another run, unless the user wants it so.
std::vector<TensorView> Session::engine_state_of(const LoadedCheckpoint& checkpoint) {
  const std::string saved = device_type_of(checkpoint.engine), here = report_.device.type;
  if (saved == here) return checkpoint.engine;
  if (!is_accepted(setup_.accepted, "device"))
    throw Error(ExitCode::kConfig, format("checkpoint {}: was saved on the device {}, this run computes on {}, where its random numbers cannot go on; set device = \"{}\", or accept the "
                                          "change with --resume-without device",
                                          checkpoint.info.id, saved, here, saved));
  log_warning("checkpoint {}: was saved on the device {}; weights, optimizer and counters go on here, random numbers of {} start afresh", checkpoint.info.id, saved, here);
  return fitted_to_device(checkpoint.engine, engine_->snapshot().engine);
}

void Session::restore_engine(const RestoredRun& run) {
  const LoadedCheckpoint& checkpoint = run.checkpoint;
  if (!setup_.is_training) {
    engine_->restore_weights(checkpoint.weights);
    return;
  }
  const std::vector<Difference> differences = trajectory_differences(run.identity.trajectory, identity_.trajectory);
  const bool has_other_keys = std::any_of(differences.begin(), differences.end(), [](const Difference& one) { return one.plugin.starts_with("model/"); });
  if (!has_other_keys) require_same_model(run.identity.model, identity_.model, checkpoint.info.id);  // else they were accepted
  engine_->restore(checkpoint.weights, checkpoint.optimizer, engine_state_of(checkpoint));
  ledger_.restore_json(run.ledger);
  if (const auto last = RunLog::last_line(setup_.folder / "log.jsonl", "ledger"); last && last->contains("state")) ledger_.restore_json(last->at("state"));
}

// A new run only: later its checkpoints have the weights.
void Session::take_initial_weights() {
  std::vector<ChosenPlugin> backends = setup_.plugins;
  backends.insert(backends.end(), setup_.other_backends.begin(), setup_.other_backends.end());
  initial_weights_ = initialise_weights(*engine_, plugins_->one("model"), {setup_.config.run.model.init_from, backends, setup_.facts, &ledger_});
  identity_.trajectory[kInitialWeights] = "sha256:" + initial_weights_.at("sha256").get<std::string>();
  identity_.trajectory_hash = trajectory_hash(identity_.trajectory);
}

uint64_t Session::schedule_steps(const RunState& state) {
  if (state.schedule_length > 0) return state.schedule_length;
  const auto length = effective_schedule_length(setup_.config, identity_.schedule_length);
  if (!length) return 0;
  if (length->unit == Unit::kStep || length->unit == Unit::kWindow) return static_cast<uint64_t>(length->amount);
  const trainhost_window shape = accumulation_schedule_->next_window(make_progress(state, {data_->epoch_samples(), {}}, ledger_));
  const WindowCut cut = data_->begin_window({shape.micro_batch_samples, shape.num_micro_batches, shape.target_samples, shape.target_tokens});
  const double samples = static_cast<double>(cut.samples);
  switch (length->unit) {
    case Unit::kSample: return static_cast<uint64_t>(std::ceil(length->amount / samples));
    case Unit::kEpoch: return static_cast<uint64_t>(std::ceil(length->amount * static_cast<double>(data_->epoch_samples()) / samples));
    default: return static_cast<uint64_t>(std::ceil(length->amount / static_cast<double>(cut.max_targets)));
  }
}

void Session::make_trainer(RunState state) {
  const RunConfig& run = setup_.config.run;
  const RunScale scale{report_.train_samples, run_length(run.max)};
  accumulation_schedule_ = std::make_unique<AccumulationSchedule>(plugins_->one("accumulation_schedule"));
  const trainhost_window window = accumulation_schedule_->next_window(make_progress(state, scale, ledger_));
  std::vector<Evaluations::Set> sets;
  for (size_t i = 0; i < run.evaluations.size(); ++i) {
    const uint64_t wanted = run.evaluations[i].micro_batch_samples;
    sets.push_back({run.evaluations[i], evaluation_data_[i].get(), wanted > 0 ? wanted : window.micro_batch_samples});
    if (setup_.short_run) shorten(sets.back(), *setup_.short_run);
  }
  Evaluations::Options evaluation_options{run.seed, run.data, {}};
  if (preemption_) evaluation_options.is_cancelled = [this] { return preemption_->is_requested(); };
  evaluations_ = std::make_unique<Evaluations>(std::move(sets), *engine_, ledger_, std::move(evaluation_options));
  if (!setup_.is_training) return;

  const PipelineOptions pipeline{.seed = run.seed, .threads = static_cast<uint64_t>(run.data.threads), .prefetch_batches = static_cast<uint64_t>(run.data.prefetch),
                                 .memory_bytes = run.data.memory_bytes, .stall_seconds = run.data.stall_seconds, .shuffle = run.data.shuffle,
                                 .shuffle_blocks = run.data.shuffle_blocks};
  data_ = std::make_unique<DataPipeline>(training_source_->samples(), pipeline, *engine_);
  state.schedule_length = schedule_steps(state);
  data_->seek(state.position);
  std::vector<Instance*> stateful;
  std::vector<std::unique_ptr<EventSink>> observers;
  for (Instance* instance : plugins_->instances()) {
    if (instance->record().is_stateful) stateful.push_back(instance);
    if (Observer::is_offered(*instance)) observers.push_back(std::make_unique<PluginObserver>(instance->full_name(), *instance));
  }
  std::vector<StoppingRule> rules;
  for (Instance* rule : plugins_->all("stopping_rule")) rules.emplace_back(*rule);
  lr_schedule_ = std::make_unique<LrSchedule>(plugins_->one("lr_schedule"));
  rates_ = std::make_unique<Rates>(*lr_schedule_, *engine_, state.schedule_length);
  rules_ = std::make_unique<Rules>(std::move(rules));
  checkpoints_ = std::make_unique<Checkpoints>(*store_, *engine_, std::move(stateful), ledger_, identity_, Checkpoints::Options{run.checkpoint.good_after, parse_save_mode(run.checkpoint.mode), save_cost_});
  reporter_ = std::make_unique<Reporter>(telemetry_, console_, ledger_, Reporter::Options{scale, run.max, [this] { return engine_->metric_names(); }, data_.get()});
  TrainerParts parts{*engine_, *data_, *accumulation_schedule_, *rates_, *rules_, *evaluations_, *checkpoints_, *reporter_, ledger_, preemption_};
  TrainerOptions options{run.max, run.max_skips, run.checkpoint.every, run.telemetry.every, scale, true, mean_between_interruptions()};
  if (run.checkpoint.is_automatic) options.checkpoint_every.reset();
  if (setup_.short_run) {
    options.max = {windows_interval(setup_.short_run->windows)};
    options.evaluates_at_end = false;
  }
  rates_->fill_ahead(state, make_progress(state, scale, ledger_));  // a schedule that cannot do without something says so now
  trainer_ = std::make_unique<Trainer>(parts, std::move(options), std::move(state));
  for (auto& observer : observers) telemetry_.add_observer(std::move(observer));  // last: after a failure above, the end of the run would reach plugins that are gone
}

}  // namespace trainhost
