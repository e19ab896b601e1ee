#include "available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace pt2 {
namespace {

constexpr uint64_t kUnknown = std::numeric_limits<uint64_t>::max();

uint64_t number_in(const char* file) {
  uint64_t value = 0;
  std::ifstream in(file);
  return in >> value ? value : kUnknown;  // "max" is no number: no limit
}

uint64_t available_in_machine() {
  std::ifstream in("/proc/meminfo");
  for (std::string key; in >> key; in.ignore(256, '\n')) {
    uint64_t kibibytes = 0;
    if (key == "MemAvailable:" && in >> kibibytes) return kibibytes * 1024;
  }
  return kUnknown;
}

uint64_t left_in_group() {
  const uint64_t limit = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
  if (limit == kUnknown || used == kUnknown) return kUnknown;
  return limit > used ? limit - used : 0;
}

}  // namespace

uint64_t available_memory() { return std::min(available_in_machine(), left_in_group()); }

}  // namespace pt2
