// x86: AVX2 where the processor has it.
#include "images/resize_loops.h"

namespace trainhost::images {

const ResizeLoops& best_loops() { return __builtin_cpu_supports("avx2") ? avx2_loops() : plain_loops(); }

}  // namespace trainhost::images
