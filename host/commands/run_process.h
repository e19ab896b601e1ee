// One process of a run: its folder, log, console and record around a session that trains.
#pragma once
#include <memory>
#include <string>

#include "commands/command_line.h"
#include "commands/job.h"
#include "ledger/ledger.h"
#include "loop/outcome.h"
#include "loop/preemption.h"
#include "loop/run_folder.h"
#include "loop/session.h"
#include "telemetry/console.h"
#include "telemetry/telemetry.h"

namespace trainhost {

class RunProcess {
 public:
  RunProcess(const Request& request, Job job, RunFolder folder);

  /// From "what is loaded" to the sampled text. Throws Error after it has been written to log and record.
  ExitCode run();

 private:
  void open_folder();
  void open_session();
  void show_loaded();
  void show_plan();
  void train();
  void show_result(const Outcome& outcome);
  void show_checkpoints();
  void show_data();
  void show_sample(uint64_t step);
  void write_end(const std::string& status, ExitCode code, const std::string& ended_by, const std::string& reason);
  void finish(const std::string& status, ExitCode code, const std::string& ended_by, const std::string& reason);
  void publish(const char* event, nlohmann::ordered_json details);
  nlohmann::json first_record() const;
  nlohmann::json plugin_files() const;
  nlohmann::json public_arguments() const;

  const Request& request_;
  Job job_;
  RunFolder folder_;
  nlohmann::json record_;  // run.json
  Ledger ledger_;
  Console console_;
  std::unique_ptr<Telemetry> telemetry_;
  std::unique_ptr<Preemption> preemption_;
  std::unique_ptr<Session> session_;
  double training_began_ = 0;      // monotonic seconds
  uint64_t first_window_ = 0;      // windows tried before this process
};

/// The rows of the plan, also for --dry-run and smoke. `cost`: what one micro-batch was measured to take.
PlanView make_plan(Session& session, const Job& job, const Session::MicroBatchCost& cost, uint64_t windows_done);

/// The table of what is loaded.
std::vector<LoadedPlugin> loaded_plugins(const Job& job);

/// 16 hex digits from the kernel's random numbers.
std::string new_run_id();

}  // namespace trainhost
