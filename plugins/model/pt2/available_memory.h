// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace pt2 {

// Bytes: what the kernel calls available, or what is left of the process's control group, whichever is less. UINT64_MAX when nothing says.
uint64_t available_memory();

}  // namespace pt2
