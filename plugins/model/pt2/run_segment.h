// A segment of a plan that keeps what goes into it, and runs once more in the backward pass.
#pragma once

#include <vector>

#include "plan.h"

namespace pt2 {

// Takes the segment's inputs out of the table of values and puts its outputs there. The plan outlives the graph of gradients.
void run_segment(const Plan& plan, const Segment& segment, std::vector<c10::IValue>& values);

// The segment's steps alone, on a table that holds its inputs.
void run_segment_steps(const Plan& plan, const Segment& segment, std::vector<c10::IValue>& values);

}  // namespace pt2
