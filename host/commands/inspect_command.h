// `trainhost plugins ...` and `trainhost config ...`: what is there and what a config means. Runs no plugin code.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// list | info NAME. Throws Error.
ExitCode plugins_command(const Request& request);

/// show [CONFIG] | check [CONFIG] | schema. Throws Error(kConfig) with every problem of the config.
ExitCode config_command(const Request& request);

}  // namespace trainhost
