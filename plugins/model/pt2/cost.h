// What a serialised program costs, by its operators and the sizes of the example that it was exported with.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "serialized_types.h"

namespace pt2 {

struct Cost {
  std::map<std::string, uint64_t> operators;  // aten.linear.default -> calls
  double flops = 0;                           // of a forward pass: multiplications and additions of matrix products and convolutions
  double activation_bytes = 0;                // of all values that operators make; what is kept for the backward pass is at most that
};

Cost cost_of(const Json& document);

// The size of an axis in the example: fixed, or the hint of an expression. 0 when unknown.
int64_t example_size(const Json& size);

}  // namespace pt2
