// What a source says about itself, checked and copied.
#pragma once
#include "plugin/data_source.h"

namespace trainhost {

/// Throws PluginCallError for a promise broken; Error(kData) for a source without samples.
SourceInfo check_source_info(const Instance& instance, const trainhost_source_info& info);

}  // namespace trainhost
