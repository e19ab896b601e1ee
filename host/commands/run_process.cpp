// A run from its first line on the terminal to its last.
#include "commands/run_process.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include "base/clock.h"
#include "base/crash_report.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "config/trajectory.h"
#include "config/writer.h"

namespace trainhost {
namespace {

using Json = nlohmann::json;

std::string host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::string limits_text(const std::vector<Interval>& max) {
  std::string text;
  for (const Interval& limit : max) text += (text.empty() ? "" : " or ") + limit.text;
  return text.empty() ? "until a rule stops it" : text;
}

std::string precision_text(const trainhost_precision_plan& plan) {
  const std::string type = plan.compute.code == 4 ? "bf16" : format("fp{}", static_cast<int>(plan.compute.bits));  // DLPack: 4 is bfloat
  std::string text = type + (plan.flags & TRAINHOST_PRECISION_AUTOCAST ? " autocast" : "");
  if (plan.flags & TRAINHOST_PRECISION_DETERMINISTIC) text += ", deterministic";
  if (plan.scale_mode == TRAINHOST_SCALE_DEVICE) text += format(", loss scale {}", plan.initial_scale);
  return text;
}

std::string plugin_name(const Job& job, std::string_view kind) {
  for (const ChosenPlugin& plugin : job.plugins)
    if (plugin.record.kind == kind) return plugin.record.name;
  return "";
}

double window_seconds(const Session::MicroBatchCost& cost) { return cost.seconds * static_cast<double>(cost.window.micro_batch_samples.size()); }

// Until the first limit that can be foretold, at the pace of one measured micro-batch.
double expected_seconds(const Job& job, const Session& session, const Session::MicroBatchCost& cost, uint64_t windows_done) {
  const double samples = static_cast<double>(cost.window.samples), targets = static_cast<double>(cost.window.max_targets);
  double shortest = std::numeric_limits<double>::quiet_NaN();
  for (const Interval& limit : job.config.run.max) {
    double windows = std::numeric_limits<double>::quiet_NaN();
    switch (limit.unit) {
      case Unit::kWindow:
      case Unit::kStep: windows = limit.amount; break;
      case Unit::kSample: windows = limit.amount / samples; break;
      case Unit::kToken: windows = limit.amount / targets; break;
      case Unit::kEpoch: windows = limit.amount * static_cast<double>(session.report().train_samples) / samples; break;
      case Unit::kSecond:
      case Unit::kMinute:
      case Unit::kHour: shortest = std::fmin(shortest, limit.base_amount()); break;
      case Unit::kMoney: shortest = std::fmin(shortest, limit.amount / *job.config.run.price_per_hour * 3600); break;
      default: break;
    }
    if (std::isfinite(windows)) shortest = std::fmin(shortest, std::fmax(0, windows - static_cast<double>(windows_done)) * window_seconds(cost));
  }
  return shortest;
}

}  // namespace

std::string new_run_id() {
  std::ifstream random("/dev/urandom", std::ios::binary);
  std::string bytes(16, '\0');
  random.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return content_hash(bytes).substr(0, 16);
}

std::vector<LoadedPlugin> loaded_plugins(const Job& job) {
  const std::string why = job.tree.origin({"plugins"}).text;
  std::vector<LoadedPlugin> loaded;
  for (const ChosenPlugin& plugin : job.plugins)
    loaded.push_back({plugin.record.full_name(), plugin.record.version, plugin.record.file.string(), why});
  return loaded;
}

PlanView make_plan(Session& session, const Job& job, const Session::MicroBatchCost& cost, uint64_t windows_done) {
  const SessionReport& report = session.report();
  PlanView plan;
  plan.model = plugin_name(job, "model");
  plan.device = report.device.name;
  plan.precision = precision_text(report.precision);
  plan.num_parameters = report.model.num_parameters;
  plan.num_trainable = report.model.num_trainable;
  plan.tokens_per_window = static_cast<double>(cost.window.max_targets);
  plan.window = format("{} micro-batches of {} samples", cost.window.micro_batch_samples.size(), cost.window.micro_batch_samples.front());
  plan.memory_bytes = static_cast<double>(cost.peak_memory_bytes);
  plan.length = limits_text(job.config.run.max);
  plan.expected_seconds = expected_seconds(job, session, cost, windows_done);
  plan.currency = job.config.run.currency;
  if (job.config.run.price_per_hour && std::isfinite(plan.expected_seconds)) plan.expected_cost = plan.expected_seconds / 3600 * *job.config.run.price_per_hour;
  plan.more.emplace_back("checkpoints", session.save_outlook(window_seconds(cost)).text());
  for (const std::string& group : report.model.groups) plan.more.emplace_back("group", group);
  plan.more.emplace_back("data threads", session.data_threads_text());
  plan.more.emplace_back("samples", format("{} an epoch", report.train_samples));
  return plan;
}

RunProcess::RunProcess(const Request& request, Job job, RunFolder folder)
    : request_(request), job_(std::move(job)), folder_(std::move(folder)), record_(folder_.record()),
      ledger_({job_.config.run.price_per_hour, job_.config.run.currency, monotonic_seconds, process_start_seconds()}),
      console_({request.is_quiet, request.is_json, 2, 1, monotonic_seconds, environment_variable}) {}

ExitCode RunProcess::run() {
  open_folder();
  try {
    show_loaded();
    open_session();
    show_plan();
    train();
    return static_cast<ExitCode>(record_.at("exit_code").get<int>());
  } catch (const Error& failure) {
    finish("failed", failure.code(), "error", failure.what());
    throw;
  } catch (const std::exception& failure) {
    finish("failed", ExitCode::kFailure, "error", failure.what());
    throw;
  }
}

void RunProcess::open_folder() {
  folder_.create();
  open_log_file((folder_.path() / "console.log").string());
  set_crash_folder(std::filesystem::absolute(folder_.path()).string());
  const std::filesystem::path log = folder_.path() / "log.jsonl";
  if (const auto bill = folder_.is_resume() ? RunLog::last_line(log, "ledger") : std::nullopt; bill && bill->contains("state"))
    ledger_.restore_json(bill->at("state"));  // before anything can fail: the next bill must hold this one
  telemetry_ = std::make_unique<Telemetry>(RunLog::open(log));
  preemption_ = std::make_unique<Preemption>([](const std::string& signal) { log_warning("{}: finishing the step and saving; once more aborts at once", signal); });
}

void RunProcess::show_loaded() {
  console_.loaded(loaded_plugins(job_));
  for (const PluginConfig& plugin : job_.config.plugins) log_debug("{}/{}: config {}", plugin.kind, plugin.name, masked_values(plugin.tree).dump());
}

void RunProcess::open_session() {
  const std::string run_id = folder_.is_resume() ? record_.at("run_id").get<std::string>() : new_run_id();
  SessionSetup setup = make_setup(job_, folder_.path(), run_id);
  setup.may_restore = request_.resume != "never";
  setup.initial_uri = record_.value("initial_uri", request_.initial_uri());
  setup.accepted = request_.resume_without;
  const double started = monotonic_seconds();
  session_ = std::make_unique<Session>(std::move(setup), ledger_, console_, *telemetry_, preemption_.get());
  session_->store().probe();  // a place that cannot be written must not be found after hours of training
  session_->store().claim();  // from here on no other process of this run can save
  write_file_atomically(folder_.path() / "config.toml", resolved_toml(job_.config));  // not before: a refused resume leaves the run as it was
  if (record_.empty()) {
    record_ = first_record();
    if (const std::string uri = request_.initial_uri(); !uri.empty()) record_["initial_uri"] = uri;
  }
  const bool was_killed = folder_.is_resume() && folder_.record().value("status", "") == "running";
  const bool is_adopted = session_->run_id() != run_id;  // what another machine began
  record_["run_id"] = session_->run_id();
  record_["attempts"] = is_adopted ? ledger_.report().num_attempts : record_.value("attempts", uint64_t{0}) + 1;
  if (was_killed || is_adopted) ledger_.count_interruption();
  if (!session_->initial_weights().is_null()) {
    record_["init_from"] = session_->initial_weights();
    record_["trajectory"] = session_->identity().trajectory;  // a run that begins anew may have read other weights than before
    record_["trajectory_hash"] = session_->identity().trajectory_hash;
  }
  record_["status"] = "running";
  record_["argv"] = public_arguments();
  record_["plugins"] = plugin_files();  // of this attempt; those of earlier ones are in the log
  publish("run_start", {{"run_id", session_->run_id()}, {"name", job_.config.run.name}, {"attempt", record_["attempts"]}, {"version", TRAINHOST_VERSION},
                        {"device", session_->report().device.name}, {"trajectory_hash", session_->identity().trajectory_hash}, {"plugins", record_["plugins"]}});
  const RestoreTimes& times = session_->restore_times();
  if (const CheckpointInfo* restored = session_->restored())
    publish("restored", {{"step", restored->step}, {"window", restored->window}, {"key", restored->id}, {"seconds", monotonic_seconds() - started},
                         {"read_seconds", times.read}, {"engine_seconds", times.engine}, {"build_seconds", times.build}, {"copy_seconds", times.copy}});
  else if (folder_.is_resume())
    log_warning("{}: the run stopped before its first checkpoint; it begins anew", folder_.path().string());
}

Json RunProcess::plugin_files() const {
  Json plugins = Json::array();
  for (const ChosenPlugin& plugin : job_.plugins)
    plugins.push_back({{"plugin", plugin.record.full_name()}, {"version", plugin.record.version}, {"file", plugin.record.file.string()}, {"sha256", plugin.sha256}});
  return plugins;
}

Json RunProcess::public_arguments() const {
  Json arguments = Json::array();
  for (const std::string& argument : request_.arguments) arguments.push_back(public_argument(job_.config, argument));
  return arguments;
}

Json RunProcess::first_record() const {
  const SessionReport& report = session_->report();
  const RunIdentity& identity = session_->identity();
  return {{"v", 1}, {"name", job_.config.run.name}, {"started", utc_timestamp(unix_nanoseconds())}, {"host", host_name()},
          {"versions", {{"trainhost", TRAINHOST_VERSION}, {"torch", report.device.torch_version}, {"cuda", report.device.cuda_version}}},
          {"device", report.device.name}, {"seed", job_.config.run.seed},
          {"trajectory", identity.trajectory}, {"trajectory_hash", identity.trajectory_hash}, {"schedule_length", identity.schedule_length}};
}

void RunProcess::show_plan() {
  Session::MicroBatchCost cost;
  try {
    cost = session_->measure_micro_batch();
  } catch (const OutOfMemory& failure) {
    log_warning("plan: one micro-batch does not fit ({}); smaller ones will be tried", failure.what());
  }
  if (cost.window.micro_batch_samples.empty()) return;
  const PlanView plan = make_plan(*session_, job_, cost, session_->trainer().state().windows);
  console_.plan(plan);
  const auto number = [](double value) { return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr); };
  const auto known = [](std::optional<double> value) { return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json(nullptr); };
  const SaveOutlook saves = session_->save_outlook(window_seconds(cost));
  publish("plan", {{"parameters", plan.num_parameters}, {"trainable", plan.num_trainable}, {"tokens_per_window", plan.tokens_per_window},
                   {"micro_batches", cost.window.micro_batch_samples.size()}, {"memory_bytes", plan.memory_bytes}, {"expected_seconds", number(plan.expected_seconds)},
                   {"expected_cost", plan.expected_cost ? number(*plan.expected_cost) : nullptr},
                   {"checkpoint_seconds", known(saves.interval_seconds)}, {"loss_seconds_per_hour", known(saves.loss_seconds_per_hour())},
                   {"loss_cost_per_hour", known(saves.loss_cost_per_hour())}});
}

void RunProcess::train() {
  std::vector<std::string> max;
  for (const Interval& limit : job_.config.run.max) max.push_back(limit.text);
  record_["max"] = max;
  folder_.write_record(record_);  // from here on the folder holds a run
  ledger_.finish_start_up();
  training_began_ = monotonic_seconds();
  first_window_ = session_->trainer().state().windows;
  const Outcome outcome = session_->trainer().train();
  if (outcome.restore_best && !job_.config.run.evaluations.empty()) {
    const auto best = session_->checkpoints().restore_best_weights(job_.config.run.evaluations.front().name + "/loss");
    if (best) log_info("ends on the weights of the best evaluation, checkpoint {}", *best);
    if (best) record_["result_checkpoint"] = *best;
  }
  if (!record_.contains("result_checkpoint") || !outcome.restore_best)
    if (const std::string newest = session_->checkpoints().newest_id(); !newest.empty()) record_["result_checkpoint"] = newest;
  show_result(outcome);
  const bool is_finished = outcome.code == ExitCode::kDone || outcome.code == ExitCode::kBudget || outcome.code == ExitCode::kDiverged;
  finish(is_finished ? "finished" : "preempted", outcome.code, outcome.rule, outcome.reason);
}

void RunProcess::show_result(const Outcome& outcome) {
  const RunState& state = session_->trainer().state();
  console_.stopped({outcome.reason, outcome.rule, static_cast<int>(outcome.code), state.collected_step(), state.observed.skipped, ledger_.seconds()});
  console_.ledger(report_text(ledger_.report()));
  show_data();
  show_checkpoints();
  console_.folder(folder_.path().string());
  for (const EvaluationSet& set : job_.config.run.evaluations)
    if (const auto bits = session_->trainer().evaluation().find(set.name + "/bits_per_byte"); bits != session_->trainer().evaluation().end())
      console_.result(format("{} bits per byte", set.name), format("{:.3f}", bits->second));
  if (outcome.code != ExitCode::kDone || !session_->report().has_text || job_.config.run.sample.length == 0) return;
  try {
    show_sample(state.collected_step());
  } catch (const std::exception& failure) {
    log_warning("no text was sampled: {}", failure.what());  // the training is done and saved all the same
  }
}

// What waiting for data has cost, and what more threads would bring.
void RunProcess::show_data() {
  const DataSummary summary = session_->data_summary();
  record_["data"] = to_json(summary, ledger_.price_per_hour());
  publish("data_report", to_json(summary, ledger_.price_per_hour()));
  console_.result("data", data_text(summary, ledger_.price_per_hour(), ledger_.currency()));
}

// What saving was worth, by what this process has measured.
void RunProcess::show_checkpoints() {
  const uint64_t windows = session_->trainer().state().windows - first_window_;
  const double seconds = monotonic_seconds() - training_began_;
  const SaveOutlook saves = session_->save_outlook(windows > 0 ? seconds / static_cast<double>(windows) : std::numeric_limits<double>::quiet_NaN());
  record_["checkpoints"] = to_json(saves);
  if (saves.loss_seconds_per_hour()) console_.result("checkpoints", saves.text());
}

void RunProcess::show_sample(uint64_t step) {
  const SampleConfig& sample = job_.config.run.sample;
  const std::string text = session_->sample_text(sample, job_.config.run.seed);
  console_.sample(sample.prompt, text);
  std::filesystem::create_directories(folder_.path() / "samples");
  write_file_atomically(folder_.path() / "samples" / format("step-{}.txt", step), sample.prompt + text);
}

void RunProcess::publish(const char* name, nlohmann::ordered_json details) {
  Event event;
  event.name = name;
  event.details = std::move(details);
  telemetry_->publish(std::move(event));
}

void RunProcess::finish(const std::string& status, ExitCode code, const std::string& ended_by, const std::string& reason) {
  const uint64_t step = session_ ? session_->trainer().state().collected_step() : 0;
  nlohmann::ordered_json ledger = report_json(ledger_.report());
  ledger["state"] = ledger_.to_json();
  publish("ledger", std::move(ledger));
  publish("run_end", {{"step", step}, {"reason", reason}, {"exit_code", static_cast<int>(code)}});
  const std::vector<ObserverReport> observers = telemetry_->stop();
  write_end(status, code, ended_by, reason);
  // A thread that is still inside a plugin forbids to destroy that plugin; everything is on disk, so the process ends here.
  const bool is_stuck = std::any_of(observers.begin(), observers.end(), [](const ObserverReport& report) { return report.is_stuck; });
  if (!is_stuck && !(session_ && session_->has_left_behind())) return;
  if (status == "failed") log_error("{}", reason);
  std::_Exit(static_cast<int>(code));
}

void RunProcess::write_end(const std::string& status, ExitCode code, const std::string& ended_by, const std::string& reason) {
  if (!session_ || !record_.contains("max")) return;  // nothing was trained: the folder may be taken by another try, a run that was to go on stays as it was
  record_["status"] = status;
  record_["ended_by"] = ended_by;
  record_["reason"] = reason;
  record_["exit_code"] = static_cast<int>(code);
  record_["ended"] = utc_timestamp(unix_nanoseconds());
  record_["amounts"] = amounts_to_json(session_->amounts());
  try {
    folder_.write_record(record_);
  } catch (const Error& failure) {
    log_warning("{}", failure.what());
  }
  if (!request_.is_json) return;
  Json answer = record_;
  answer.erase("trajectory");
  answer["run_folder"] = folder_.path().string();
  answer["evaluation"] = session_->trainer().evaluation();
  console_.json(answer.dump());
}

}  // namespace trainhost
