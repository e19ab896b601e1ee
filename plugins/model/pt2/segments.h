// The blocks of a model in its plan: steps whose results may be computed again in the backward pass.
#pragma once

#include <vector>

#include "plan.h"

namespace pt2 {

// A block is a module that its list has numbered (h.0, layer1.2), of a class that comes at least twice and has modules of its own; of blocks inside of
// blocks the outermost counts. `is_changing`: for each input of the plan whether the program changes it, as batch norm does its buffers.
// Throws PluginError where the model has no blocks, or where one of them cannot be computed again, with the reason.
std::vector<Segment> find_segments(const Plan& plan, const std::vector<bool>& is_changing);

}  // namespace pt2
