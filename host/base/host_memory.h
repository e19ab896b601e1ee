// Large blocks of host memory, for whole checkpoints.
#pragma once
#include <cstddef>
#include <memory>

namespace trainhost {

/// Zeroes, in huge pages where the system has them, aligned to one: a page that is met for the first time costs the same whatever its size. Null: there is no memory.
std::shared_ptr<std::byte> map_host_memory(size_t bytes);

/// Meets all pages now, on several threads.
void touch_pages(std::byte* memory, size_t bytes, unsigned num_threads);

}  // namespace trainhost
