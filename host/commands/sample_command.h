// `trainhost sample RUN` and `trainhost evaluate RUN`: a finished or stopped run's model, used.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// Prints the prompt and its continuation on stdout. Throws Error.
ExitCode sample_command(const Request& request);

/// Evaluates every set of the run and prints a table, or JSON, on stdout. Throws Error.
ExitCode evaluate_command(const Request& request);

}  // namespace trainhost
