// Processors other than x86.
#include "images/resize_loops.h"

namespace trainhost::images {

const ResizeLoops& best_loops() { return plain_loops(); }

}  // namespace trainhost::images
