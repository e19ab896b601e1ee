// `trainhost smoke`: a run's own config on a few batches through every phase, before the expensive run.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"
#include "commands/job.h"

namespace trainhost {

/// Prints each phase with its time. kDone and a record of the pass, or kGateNotMet with what would have failed. Throws Error for a config that cannot be read.
ExitCode smoke_command(const Request& request);

/// Throws Error(kConfig) unless this config and these plugin files have passed within the last day.
void require_smoke_pass(const Job& job);

}  // namespace trainhost
