// aten::cross_entropy_loss without a copy of the logits in float32 and without their log-softmax in memory.
#pragma once
#include <vector>

#include <trainhost/torch/op_pack.h>

namespace fusedops {

/// What the kernels do not take goes on to ATen: weights of classes, label smoothing, targets that are probabilities, other axes than [rows, classes].
/// Under autocast the logits are read in the format that they have; the loss is float32 there, as ATen's.
std::vector<trainhost::t2::OpReplacement> cross_entropy();

}  // namespace fusedops
