// Out of /proc and the C library.
#include "conformance/process_facts.h"

#include <fcntl.h>
#include <malloc.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace trainhost::conformance {

namespace fs = std::filesystem;

std::size_t allocated_bytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

namespace {

template <class Wanted>
std::set<std::string> files_that_are(const Wanted& wanted) {
  std::set<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const fs::path target = fs::read_symlink(entry.path(), error);
    if (!error && wanted(std::stoi(entry.path().filename())) && !target.native().starts_with("/proc/"))
      files.insert(entry.path().filename().string() + " -> " + target.string());
  }
  return files;
}

}  // namespace

std::set<std::string> open_files() {
  return files_that_are([](int) { return true; });
}

std::set<std::string> files_open_for_writing() {
  return files_that_are([](int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
  });
}

std::size_t num_threads() {
  std::size_t threads = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc/self/task")) threads += !entry.path().empty();
  return threads;
}

bool has_at_most_threads(std::size_t most) {
  for (int tries = 0; tries < 2000 && num_threads() > most; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return num_threads() <= most;
}

std::string added(const std::set<std::string>& before, const std::set<std::string>& after) {
  std::string text;
  for (const std::string& file : after)
    if (!before.contains(file)) text += (text.empty() ? "" : ", ") + file;
  return text;
}

}  // namespace trainhost::conformance
