// aten::layer_norm whose backward reads input and gradient once, and which under autocast writes what the next matrix product reads.
#pragma once
#include <vector>

#include <trainhost/torch/op_pack.h>

namespace fusedops {

/// What the kernels do not take goes on to ATen: more than one normalised axis, widths over 2048 or no multiple of 8, float16.
/// Under autocast ATen's gives float32, which a linear layer then copies to bfloat16; `keeps_float32` says to do so here too, else the result is bfloat16.
std::vector<trainhost::t2::OpReplacement> layer_norm(bool keeps_float32);

}  // namespace fusedops
