// `trainhost help`, `trainhost completion` and `trainhost --version`.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// Throws Error(kConfig) for an unknown topic, with the nearest one.
ExitCode help_command(const Request& request);
ExitCode completion_command(const Request& request);
ExitCode version_command(const Request& request);

}  // namespace trainhost
