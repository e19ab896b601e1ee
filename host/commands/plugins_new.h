// `trainhost plugins new KIND NAME`: a folder that builds outside of the tree and holds a plugin, its test, its page and a job.
#pragma once
#include "base/error.h"
#include "commands/command_line.h"
#include "plugin/catalog.h"

namespace trainhost {

/// Words "new KIND NAME", options --language and --out. Writes the whole folder or nothing; what to type next goes to stdout.
/// Throws Error(kConfig): unknown kind or language (with the nearest), a bad or taken name, a folder that exists or cannot be written.
ExitCode plugins_new(const Request& request, const PluginCatalog& catalog);

}  // namespace trainhost
