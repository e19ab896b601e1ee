// What this process holds: memory, open files, threads. To see what a plugin leaves behind.
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace trainhost::conformance {

std::size_t allocated_bytes();       // of the C library's heap; 0 where a sanitizer has replaced it
std::set<std::string> open_files();  // "7 -> /tmp/x", one for each descriptor
std::size_t num_threads();

// What `after` holds and `before` does not; empty when nothing.
std::string added(const std::set<std::string>& before, const std::set<std::string>& after);

}  // namespace trainhost::conformance
