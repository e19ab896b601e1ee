// Mapped memory.
#include "base/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace trainhost {
namespace {

constexpr size_t kHugePage = size_t{2} << 20, kPage = 4096;

size_t rounded_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

std::shared_ptr<std::byte> map_host_memory(size_t bytes) {
  const size_t room = rounded_up(bytes, kPage) + kHugePage;
  void* const whole = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (whole == MAP_FAILED) return nullptr;
  auto* const memory = reinterpret_cast<std::byte*>(rounded_up(reinterpret_cast<uintptr_t>(whole), kHugePage));
  ::madvise(memory, rounded_up(bytes, kPage), MADV_HUGEPAGE);  // a wish
  return {memory, [whole, room](std::byte*) { ::munmap(whole, room); }};
}

void touch_pages(std::byte* memory, size_t bytes, unsigned num_threads) {
  const size_t share = rounded_up(bytes / std::max(1u, num_threads) + 1, kHugePage);
  std::vector<std::jthread> threads;
  for (size_t begin = 0; begin < bytes; begin += share)
    threads.emplace_back([memory, begin, end = std::min(bytes, begin + share)] {
      for (size_t at = begin; at < end; at += kPage) static_cast<volatile std::byte*>(memory)[at] = std::byte{0};
    });
}

}  // namespace trainhost
