// Gradients of a model against differences of its loss.
#pragma once

#include "conformance/conformance.h"

namespace trainhost::conformance {

// Throws Failed at the first parameter whose gradient does not fit.
void gradients_match_differences(const Subject& subject);

}  // namespace trainhost::conformance
