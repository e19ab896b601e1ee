// `trainhost data`: what people ask of training data, without the run.
#pragma once
#include <string>
#include <vector>

#include "base/error.h"
#include "commands/command_line.h"

namespace trainhost {

/// "cache", "show", ... in the order of the help.
const std::vector<std::string>& data_verbs();
/// "ls", "gc", "verify".
const std::vector<std::string>& data_cache_verbs();

ExitCode data_command(const Request& request);

/// One file each. `request.words` are all words behind `data`, the verb first.
ExitCode data_cache(const Request& request);
ExitCode data_show(const Request& request);
ExitCode data_bench(const Request& request);

}  // namespace trainhost
