// The arithmetic of an update as kernels of a GPU, in the current stream. They never wait.
#pragma once
#include "engine/update_arithmetic.h"

namespace trainhost {

/// decide_update() with the norm over memory.norms, and the sums copied into the row.
void decide_update_on_gpu(const UpdateRule& rule, const UpdateMemory& memory);
void conclude_update_on_gpu(const UpdateRule& rule, const UpdateMemory& memory);

}  // namespace trainhost
