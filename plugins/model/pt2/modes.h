// Whether a program was exported in train mode.
#pragma once

#include "serialized_types.h"

namespace pt2 {

// Operators of a serialised graph that behave as in training: dropout that drops, batch norm that takes its statistics from the batch.
size_t count_training_operators(const Json& graph);

// Throws PluginError when the programs stand in each other's place.
void check_modes(const Json& train_document, const Json& eval_document, const std::string& file);

}  // namespace pt2
