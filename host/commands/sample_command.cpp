// Sessions without training over a run's own config and checkpoints.
#include "commands/sample_command.h"

#include <iostream>

#include "base/table.h"
#include "commands/job.h"
#include "commands/run_process.h"
#include "loop/run_folder.h"

namespace trainhost {
namespace {

// Everything that a session needs to live beside it.
struct OpenedRun {
  std::unique_ptr<Preemption> abort;
  Job job;
  Ledger ledger;
  Console console;
  Telemetry telemetry{nullptr};
  std::unique_ptr<Session> session;
};

std::filesystem::path run_folder_of(const Request& request) {
  if (request.words.size() == 1) return request.words.front();
  throw Error(ExitCode::kConfig, format("command line: {} takes one RUN, the folder that `trainhost run` printed; got {}", request.command, request.words.size()));
}

std::unique_ptr<OpenedRun> open_run(const Request& request) {
  auto abort = abort_on_signal();
  const std::filesystem::path folder = run_folder_of(request);
  Request layers = request;
  layers.words.clear();
  Job job = load_run_job(layers, folder);
  const Ledger::Options money{job.config.run.price_per_hour, job.config.run.currency, monotonic_seconds, std::nullopt};
  std::unique_ptr<OpenedRun> run(new OpenedRun{std::move(abort), std::move(job), Ledger(money), Console({true, request.is_json, 2, 1, monotonic_seconds, environment_variable}), Telemetry(nullptr), nullptr});
  SessionSetup setup = make_setup(run->job, folder, "");
  keep_evaluation_only(setup);
  setup.checkpoint_id = request.checkpoint;
  if (const auto record = read_run_record(folder); record && !setup.checkpoint_id && record->contains("result_checkpoint"))
    setup.checkpoint_id = record->at("result_checkpoint").get<std::string>();
  run->session = std::make_unique<Session>(std::move(setup), run->ledger, run->console, run->telemetry, nullptr);
  if (!run->session->restored())
    throw Error(ExitCode::kCheckpointUnreadable, format("{}: holds no checkpoint yet; train first with `trainhost run`", folder.string()));
  return run;
}

}  // namespace

ExitCode sample_command(const Request& request) {
  const auto run = open_run(request);
  SampleConfig sample = run->job.config.run.sample;
  if (request.prompt) sample.prompt = *request.prompt;
  if (request.length) sample.length = *request.length;
  if (request.temperature) sample.temperature = *request.temperature;
  if (request.top_k) sample.top_k = *request.top_k;
  if (!run->session->report().has_text)
    throw Error(ExitCode::kConfig, format("sample: the data source of {} gives no text interface; sample a run that was trained on text", run->job.config.run.name));
  const std::string text = run->session->sample_text(sample, request.seed.value_or(run->job.config.run.seed));
  if (request.is_json)
    std::cout << nlohmann::json{{"prompt", sample.prompt}, {"text", text}, {"checkpoint", run->session->restored()->id}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  else
    std::cout << printable_text(sample.prompt + text) << "\n";
  return ExitCode::kDone;
}

ExitCode evaluate_command(const Request& request) {
  const auto run = open_run(request);
  nlohmann::json answer = {{"checkpoint", run->session->restored()->id}, {"step", run->session->restored()->step}, {"sets", nlohmann::json::object()}};
  std::vector<std::vector<std::string>> rows{{"set", "metric", "value", "standard error"}};
  for (const Evaluations::Set& set : run->session->evaluations().sets()) {
    const auto evaluation = run->session->evaluations().evaluate(set.config.name);
    for (const auto& metric : evaluation->result.metrics) {
      rows.push_back({evaluation->set, metric.name, format("{:.6g}", metric.value), format("{:.2g}", metric.standard_error)});
      answer["sets"][evaluation->set][metric.name] = {{"value", metric.value}, {"standard_error", metric.standard_error}};
    }
  }
  if (rows.size() == 1) throw Error(ExitCode::kConfig, format("{}: the run has no evaluation set; add [evaluation.NAME] with its source's keys", request.words.front()));
  std::cout << (request.is_json ? answer.dump() + "\n" : align_columns(rows, "llrr", 0));
  return ExitCode::kDone;
}

}  // namespace trainhost
