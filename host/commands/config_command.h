// `trainhost config show [--origins] | check | schema`: what a config comes to, before anything starts.
#pragma once
#include <iosfwd>

#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// show: the resolved config as TOML (--json: one object). check: the same checks as a run makes, and every plugin takes its config; nothing is started.
/// schema: JSON Schema of the host's keys and of all installed plugins. Answers go to `out`. Throws Error(kConfig, kPlugin).
ExitCode config_command(const Request& request, std::ostream& out);
ExitCode config_command(const Request& request);

}  // namespace trainhost
