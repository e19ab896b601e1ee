// Whether a file is still the one that was looked at: what was checked must be what is loaded.
#pragma once
#include <cstdint>
#include <filesystem>

#include "base/error.h"

namespace trainhost {

/// Another file in its place has another inode, and any write, rename or change of mode moves the time of change. All 0: there is no such file.
struct FileIdentity {
  uint64_t device = 0, inode = 0, bytes = 0;
  int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileIdentity&) const = default;
};

FileIdentity file_identity(const std::filesystem::path& file);

/// Throws Error(kPlugin) when the file is no longer the one that had this identity. Whoever takes the identity, then reads, then calls this has read that file.
void require_unchanged(const std::filesystem::path& file, const FileIdentity& identity);

}  // namespace trainhost
