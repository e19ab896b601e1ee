// Out of /proc and the C library.
#include "conformance/process_facts.h"

#include <malloc.h>

#include <filesystem>

namespace trainhost::conformance {

namespace fs = std::filesystem;

std::size_t allocated_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

std::set<std::string> open_files() {
  std::set<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const fs::path target = fs::read_symlink(entry.path(), error);
    if (!error && !target.native().starts_with("/proc/")) files.insert(entry.path().filename().string() + " -> " + target.string());
  }
  return files;
}

std::size_t num_threads() {
  std::size_t threads = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/task")) threads += !entry.path().empty();
  return threads;
}

std::string added(const std::set<std::string>& before, const std::set<std::string>& after) {
  std::string text;
  for (const std::string& file : after)
    if (!before.contains(file)) text += (text.empty() ? "" : ", ") + file;
  return text;
}

}  // namespace trainhost::conformance
