// `trainhost run`: choose the folder, then a process of that run; --dry-run leaves nothing behind.
#include "commands/run_command.h"

#include "base/files.h"
#include "base/log.h"
#include "commands/job.h"
#include "commands/run_process.h"
#include "commands/smoke_command.h"
#include "commands/temporary_folder.h"

namespace trainhost {
namespace {

RunFolder choose_folder(const Request& request, const Job& job) {
  FolderRequest wanted{request.out, job.config.run.name, request.resume == "never", request.initial_uri(), request.resume_without};
  return RunFolder::choose(wanted, job.config);
}

ExitCode dry_run(const Request& request, const Job& job) {
  const Preemption preemption(announce_abort);
  const RunFolder folder = choose_folder(request, job);
  const std::filesystem::path path = std::filesystem::absolute(folder.path());
  const std::filesystem::path existing = nearest_existing(path);
  Ledger ledger({job.config.run.price_per_hour, job.config.run.currency, monotonic_seconds, process_start_seconds()});
  Console console({request.is_quiet, request.is_json, 2, 1, monotonic_seconds, environment_variable});
  Telemetry telemetry(nullptr);
  console.loaded(loaded_plugins(job));
  {
    const TemporaryFolder scratch(std::filesystem::temp_directory_path(), "trainhost-dry-run");  // what plugins write beside checkpoints goes there
    SessionSetup setup = make_setup(job, path, new_run_id());
    setup.facts.run_folder = scratch.path().string();
    setup.may_restore = request.resume != "never";
    setup.initial_uri = request.initial_uri();
    setup.accepted = request.resume_without;
    Session session(std::move(setup), ledger, console, telemetry, nullptr);
    preemption.require_none();
    session.store().probe();
    const auto cost = session.measure_micro_batch();
    preemption.require_none();
    console.plan(make_plan(session, job, cost, session.trainer().state().windows));
    telemetry.stop();
  }
  remove_empty_folders(path / "checkpoints", existing);
  log_info("dry run: everything loads, starts and fits; the checkpoint place can be written; nothing was trained and nothing is left in {}", folder.path().string());
  return ExitCode::kDone;
}

}  // namespace

ExitCode run_command(const Request& request) {
  block_run_signals();
  Job job = load_job(request);
  if (request.is_dry_run) return dry_run(request, job);
  if (job.config.run.require_smoke) require_smoke_pass(job);
  RunFolder folder = choose_folder(request, job);
  return RunProcess(request, std::move(job), std::move(folder)).run();
}

}  // namespace trainhost
