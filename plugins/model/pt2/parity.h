// The parity record of a bundle, computed again on this machine and compared (docs/bundle.md, "The parity record").
#pragma once

#include <string>

#include "bundle.h"
#include "report.h"

namespace pt2 {

// Where this machine is like the one that recorded, every bit must be the same; else norms and samples must be near. Throws PluginError.
Report check_parity(Bundle& bundle, at::Device device);

}  // namespace pt2
