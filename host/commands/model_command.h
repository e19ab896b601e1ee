// trainhost model: what is in a model's file, and whether it computes here what it computed where it was made.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// info FILE, check FILE. The plugin is the installed model whose metadata names the file's suffix. Returns kGateNotMet when a check did not pass;
/// throws Error(kConfig, kPlugin, kOutOfMemory).
ExitCode model_command(const Request& request);

}  // namespace trainhost
