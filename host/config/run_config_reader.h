// From the checked host tree to RunConfig (inside of the config room).
#pragma once
#include "config/resolve.h"
#include "config/schema.h"

namespace trainhost {

/// `host` is complete and of the right types. Intervals that the run cannot measure, and percentages without a length, go to `problems`.
RunConfig read_run_config(const ConfigTree& host, const ResolveOptions& options, Problems& problems);

}  // namespace trainhost
