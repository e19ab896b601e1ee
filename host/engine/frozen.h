// [model] freeze: parameters that are not trained.
#pragma once
#include <span>
#include <string>
#include <vector>

#include <trainhost/torch/types.h>

namespace trainhost {

/// Takes what a pattern matches, as in matches_glob(), from training. Throws Error(kConfig) for a pattern that matches no parameter, with the nearest name,
/// and when nothing is left to train.
void freeze_parameters(std::span<t2::Parameter> parameters, const std::vector<std::string>& patterns);

}  // namespace trainhost
