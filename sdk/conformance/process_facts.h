// What this process holds: memory, open files, threads. To see what a plugin leaves behind.
#pragma once

#include <cstddef>
#include <set>
#include <string>

namespace trainhost::conformance {

std::size_t allocated_bytes();                   // of the C library's heap; 0 where a sanitizer has replaced it
std::set<std::string> open_files();              // "7 -> /tmp/x", one for each descriptor
std::set<std::string> files_open_for_writing();  // sockets, too
std::size_t num_threads();
bool has_at_most_threads(std::size_t most);  // within a moment: one that was joined may still be listed

// What `after` holds and `before` does not; empty when nothing.
std::string added(const std::set<std::string>& before, const std::set<std::string>& after);

}  // namespace trainhost::conformance
