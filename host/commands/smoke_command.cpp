// Two short sessions: one trains, evaluates, asks the rules and saves; the second loads what it left, goes on, and samples.
#include "commands/smoke_command.h"

#include <iostream>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/table.h"
#include "commands/run_process.h"
#include "commands/temporary_folder.h"
#include "config/writer.h"

namespace trainhost {
namespace {

using Json = nlohmann::json;

constexpr int64_t kFreshNs = int64_t{24} * 3600 * 1'000'000'000;  // how long a pass counts
constexpr uint64_t kSampleTokens = 16;

struct Phase {
  std::string name;
  double seconds = 0;
  std::string problem;  // empty: passed
};

class Smoke {
 public:
  Smoke(const Request& request, const Job& job) : job_(job), folder_(request.out, ".smoke"),
        ledger_({job.config.run.price_per_hour, job.config.run.currency, monotonic_seconds, process_start_seconds()}),
        console_({true, request.is_json, 2, 1, monotonic_seconds, environment_variable}), telemetry_(RunLog::open(folder_.path() / "log.jsonl")) {}

  // What it saved goes, also where the checkpoint place is not in its folder.
  ~Smoke() {
    try {
      if (session_) session_->store().remove_all();
    } catch (const std::exception& failure) {
      log_warning("smoke: what it saved is left behind: {}", failure.what());
    }
  }

  // Stops at the first phase that fails.
  void run() {
    constexpr ShortRun kFirst{3, 2, 2}, kSecond{4, 2, 2};
    if (!phase("start", [&] { open(kFirst); })) return;
    if (!phase("measure", [&] { measure(); })) return;
    if (!phase("train, evaluate, ask rules, save", [&] { train(); })) return;
    if (!phase("load", [&] { open(kSecond); require_restored(); })) return;
    if (!phase("train after load", [&] { train(); })) return;
    if (session_->report().has_text && !phase("sample", [&] { sample(); })) return;
    phase("log", [&] { finish_log(); });
  }

  const std::vector<Phase>& phases() const { return phases_; }
  bool has_passed() const { return phases_.back().problem.empty(); }
  bool is_aborted() const { return preemption_.is_requested(); }
  const std::optional<PlanView>& plan() const { return plan_; }

 private:
  template <class Work>
  bool phase(const char* name, const Work& work) {
    Phase result{name, 0, ""};
    const double started = monotonic_seconds();
    try {
      work();
      preemption_.require_none();
    } catch (const std::exception& failure) {
      result.problem = failure.what();
    }
    result.seconds = monotonic_seconds() - started;
    phases_.push_back(result);
    return result.problem.empty();
  }

  void open(const ShortRun& limits) {
    session_.reset();
    SessionSetup setup = make_setup(job_, folder_.path(), "smoke");
    setup.may_restore = true;
    setup.short_run = limits;
    session_ = std::make_unique<Session>(std::move(setup), ledger_, console_, telemetry_, &preemption_);
  }

  void measure() {
    const auto cost = session_->measure_micro_batch();
    plan_ = make_plan(*session_, job_, cost, 0);
  }

  void train() {
    const Outcome outcome = session_->trainer().train();
    if (outcome.code != ExitCode::kDone) throw Error(outcome.code, format("{}: {}", outcome.rule, outcome.reason));
    if (session_->checkpoints().newest_id().empty()) throw Error(ExitCode::kCheckpointUnwritable, "no checkpoint was saved");
  }

  void require_restored() {
    if (!session_->restored()) throw Error(ExitCode::kCheckpointUnreadable, "the checkpoint that was just saved was not found");
  }

  void sample() {
    SampleConfig sample = job_.config.run.sample;
    sample.length = kSampleTokens;
    session_->sample_text(sample, job_.config.run.seed);
  }

  void finish_log() {
    telemetry_.stop();
    const std::string problem = telemetry_.log()->report();
    if (!problem.empty()) throw Error(ExitCode::kFailure, problem);
  }

  const Job& job_;
  Preemption preemption_{announce_abort};
  TemporaryFolder folder_;
  Ledger ledger_;
  Console console_;
  Telemetry telemetry_;
  std::unique_ptr<Session> session_;
  std::vector<Phase> phases_;
  std::optional<PlanView> plan_;
};

// The whole config and the very plugin files. The device may be another one: a machine without a GPU can smoke for one that has it.
std::string smoke_key(const Job& job) {
  Json config = public_config(job.config);
  for (const char* key : {"device", "name", "require_smoke"}) config.erase(key);
  std::string text = config.dump();
  for (const ChosenPlugin& plugin : job.plugins) text += plugin.sha256;
  return content_hash(text);
}

std::filesystem::path pass_file(const Job& job) { return cache_folder() / "smoke" / (smoke_key(job) + ".json"); }

void record_pass(const Job& job) {
  const std::filesystem::path file = pass_file(job);
  make_writable_folder(file.parent_path());
  write_file_atomically(file, Json{{"name", job.config.run.name}, {"unix_ns", unix_nanoseconds()}}.dump() + "\n");
}

void print(const Smoke& smoke, const Job& job, bool is_json) {
  if (is_json) {
    Json phases = Json::array();
    for (const Phase& phase : smoke.phases()) phases.push_back({{"phase", phase.name}, {"seconds", phase.seconds}, {"problem", phase.problem.empty() ? Json() : Json(phase.problem)}});
    Json answer{{"name", job.config.run.name}, {"passed", smoke.has_passed()}, {"phases", phases}};
    if (smoke.plan()) answer["memory_bytes"] = smoke.plan()->memory_bytes;
    if (smoke.plan()) answer["expected_seconds"] = smoke.plan()->expected_seconds;
    std::cout << answer.dump() << "\n";
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const Phase& phase : smoke.phases()) rows.push_back({phase.name, human_seconds(phase.seconds), phase.problem.empty() ? "ok" : "FAILED: " + phase.problem});
  std::cout << align_columns(rows, "lrl");
  if (smoke.plan()) {
    std::cout << format("peak memory {}; the whole run is expected to take {}", human_bytes(smoke.plan()->memory_bytes), human_seconds(smoke.plan()->expected_seconds));
    if (smoke.plan()->expected_cost) std::cout << " and " << money_text(smoke.plan()->expected_cost, smoke.plan()->currency);
    std::cout << "\n";
  }
  std::cout << (smoke.has_passed() ? "smoke passed\n" : smoke.is_aborted() ? "smoke aborted\n" : "smoke FAILED: the run would have failed there\n");
}

}  // namespace

ExitCode smoke_command(const Request& request) {
  block_run_signals();
  const Job job = load_job(request);
  Smoke smoke(request, job);
  smoke.run();
  print(smoke, job, request.is_json);
  if (smoke.is_aborted()) return ExitCode::kAborted;
  if (!smoke.has_passed()) return ExitCode::kGateNotMet;
  record_pass(job);
  return ExitCode::kDone;
}

void require_smoke_pass(const Job& job) {
  const std::filesystem::path file = pass_file(job);
  const std::string remedy = "; require_smoke = true, so run `trainhost smoke` with the same config first";
  if (!std::filesystem::exists(file)) throw Error(ExitCode::kConfig, format("{}: this config has not passed smoke with these plugins{}", job.config.run.name, remedy));
  const Json pass = Json::parse(read_file(file), nullptr, false);
  const int64_t age_ns = unix_nanoseconds() - (pass.is_object() ? pass.value("unix_ns", int64_t{0}) : 0);
  if (age_ns > kFreshNs) throw Error(ExitCode::kConfig, format("{}: its last smoke pass is {} old, a day at most counts{}", job.config.run.name, human_seconds(static_cast<double>(age_ns) * 1e-9), remedy));
}

}  // namespace trainhost
