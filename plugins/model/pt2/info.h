// What is in a bundle, for people: parameters by module, operators, arithmetic, memory.
#pragma once

#include "bundle.h"
#include "report.h"

namespace pt2 {

Report describe(Bundle& bundle);

}  // namespace pt2
