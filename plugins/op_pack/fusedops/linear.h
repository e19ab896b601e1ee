// aten::linear under autocast with a padded weight where its rows are no multiple of 8.
#pragma once
#include <vector>

#include <trainhost/torch/op_pack.h>

namespace fusedops {

/// The result is a view of a padded product, [..., rows of the weight]. All other products are those of LibTorch.
std::vector<trainhost::t2::OpReplacement> linear();

}  // namespace fusedops
