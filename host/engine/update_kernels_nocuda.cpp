// A build without CUDA has no GPU to update on.
#include "base/error.h"
#include "engine/update_kernels.h"

namespace trainhost {

void decide_update_on_gpu(const UpdateRule&, const UpdateMemory&) { throw Error(ExitCode::kFailure, "engine: an update on a GPU in a build without CUDA"); }
void conclude_update_on_gpu(const UpdateRule&, const UpdateMemory&) { throw Error(ExitCode::kFailure, "engine: an update on a GPU in a build without CUDA"); }

}  // namespace trainhost
