// How much memory this process may still take.
#pragma once

#include <cstdint>

namespace pt2 {

// Bytes: what the kernel calls available, or what the process's control group or its own limits leave, whichever is less. UINT64_MAX when nothing says.
uint64_t available_memory();

}  // namespace pt2
