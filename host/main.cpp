// Command line -> command -> exit code; the only place that catches everything.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <vector>

#include "base/crash_report.h"
#include "base/log.h"
#include "commands/ckpt_command.h"
#include "commands/command_line.h"
#include "commands/config_command.h"
#include "commands/data_command.h"
#include "commands/help_command.h"
#include "commands/model_command.h"
#include "commands/plugins_command.h"
#include "commands/run_command.h"
#include "commands/sample_command.h"
#include "commands/smoke_command.h"

namespace trainhost {
namespace {

ExitCode dispatch(const Request& request) {
  if (request.wants_help) {
    std::cout << help_text(request.command);
    return ExitCode::kDone;
  }
  if (request.command == "run") return run_command(request);
  if (request.command == "smoke") return smoke_command(request);
  if (request.command == "sample") return sample_command(request);
  if (request.command == "evaluate") return evaluate_command(request);
  if (request.command == "ckpt") return ckpt_command(request);
  if (request.command == "data") return data_command(request);
  if (request.command == "plugins") return plugins_command(request);
  if (request.command == "model") return model_command(request);
  if (request.command == "config") return config_command(request);
  if (request.command == "completion") return completion_command(request);
  if (request.command == "version") return version_command(request);
  return help_command(request);
}

}  // namespace
}  // namespace trainhost

int main(int argc, char** argv) {
  using namespace trainhost;
  // GNU OpenMP, which LibTorch opens later, lets idle threads spin for milliseconds; beside one other busy process each parallel region then waits for the
  // scheduler. They spin some microseconds, unless the user has said otherwise.
  setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
  install_crash_reports();
  try {
    const Request request = parse_command_line({argv + 1, argv + argc});
    if (request.is_quiet) set_log_level(LogLevel::kWarning);
    if (request.verbosity > 0) set_log_level(LogLevel::kDebug);
    return static_cast<int>(dispatch(request));
  } catch (const Error& error) {
    log_error("{}", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    log_error("{}; this is a mistake of trainhost or of the system, not of your config", error.what());
    return static_cast<int>(ExitCode::kFailure);
  }
}
