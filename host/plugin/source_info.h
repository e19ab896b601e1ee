// What a source says about itself, checked and copied.
#pragma once
#include "plugin/data_source.h"

namespace trainhost {

/// Throws PluginCallError for a promise broken; Error(kData) for a source without samples.
SourceInfo check_source_info(const Instance& instance, const trainhost_source_info& info);

/// Sets model_classes and model_others of the field where the limit is narrower than what the source declares.
void limit_values(FieldSpec& field, const ValueLimit& limit);

}  // namespace trainhost
