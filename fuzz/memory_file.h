// A file in memory under a name, for readers that open what they read.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace trainhost::fuzz {

/// The same file each time, with these bytes; readers of earlier bytes must be gone.
inline std::filesystem::path memory_file(const uint8_t* data, size_t size) {
  static const int descriptor = memfd_create("input", MFD_CLOEXEC);
  if (ftruncate(descriptor, 0) != 0 || pwrite(descriptor, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  return "/proc/self/fd/" + std::to_string(descriptor);
}

}  // namespace trainhost::fuzz
