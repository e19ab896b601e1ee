#include "available_memory.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace pt2 {
namespace {

constexpr uint64_t kUnknownLimit = std::numeric_limits<uint64_t>::max();

uint64_t number_in(const char* file) {
  uint64_t value = 0;
  std::ifstream in(file);
  return in >> value ? value : kUnknownLimit;  // "max" is no number: no limit
}

// Of a line such as "VmData:    1234 kB".
uint64_t bytes_in(const char* file, const std::string& wanted) {
  std::ifstream in(file);
  for (std::string key; in >> key; in.ignore(256, '\n')) {
    uint64_t kibibytes = 0;
    if (key == wanted && in >> kibibytes) return kibibytes * 1024;
  }
  return kUnknownLimit;
}

uint64_t rest_of(uint64_t limit, uint64_t used) { return limit == kUnknownLimit || used == kUnknownLimit ? kUnknownLimit : limit > used ? limit - used : 0; }

uint64_t available_in_machine() { return bytes_in("/proc/meminfo", "MemAvailable:"); }

uint64_t left_in_group() { return rest_of(number_in("/sys/fs/cgroup/memory.max"), number_in("/sys/fs/cgroup/memory.current")); }

// What `ulimit` leaves, as batch systems set it.
uint64_t left_under_limit(int resource, const char* used) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknownLimit;
  return rest_of(limit.rlim_cur, bytes_in("/proc/self/status", used));
}

}  // namespace

uint64_t available_memory() {
  return std::min({available_in_machine(), left_in_group(), left_under_limit(RLIMIT_AS, "VmSize:"), left_under_limit(RLIMIT_DATA, "VmData:")});
}

}  // namespace pt2
