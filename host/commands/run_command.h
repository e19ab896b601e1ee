// `trainhost run` and `--dry-run`.
#pragma once
#include "commands/command_line.h"
#include "base/error.h"

namespace trainhost {

/// Trains, or goes on training; returns how the run ended. Throws Error.
ExitCode run_command(const Request& request);

}  // namespace trainhost
