// A hint may be ignored; the reads that follow are right in any case.
#include "read_ahead.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace trainhost::tarshards {
namespace {

// In bytes; the largest number where nothing is said.
uint64_t available_memory() {
  uint64_t kilobytes = 0, limit = 0, used = 0;
  std::ifstream machine("/proc/meminfo");
  for (std::string word; machine >> word;)
    if (word == "MemAvailable:") machine >> kilobytes;
  const uint64_t of_machine = kilobytes > 0 ? kilobytes * 1024 : UINT64_MAX;
  const bool is_limited = static_cast<bool>(std::ifstream("/sys/fs/cgroup/memory.max") >> limit) && static_cast<bool>(std::ifstream("/sys/fs/cgroup/memory.current") >> used);
  return is_limited ? std::min(of_machine, limit > used ? limit - used : 0) : of_machine;
}

}  // namespace

bool fits_into_memory(uint64_t bytes) { return bytes <= available_memory() / 2; }

void ReadAhead::begin(const RangedFile& file) { is_asked_ = std::make_unique<std::atomic<bool>[]>(file.size() / kPiece + 1); }

void ReadAhead::expect(const RangedFile& file, uint64_t offset, uint64_t size) {
  if (!is_asked_) return;
  for (uint64_t piece = offset / kPiece; piece * kPiece < offset + size; ++piece)
    if (!is_asked_[piece].exchange(true, std::memory_order_relaxed)) file.expect(piece * kPiece, std::min(kPiece, file.size() - piece * kPiece));
}

}  // namespace trainhost::tarshards
