// A file's bytes without reading them: the kernel brings pages in when they are looked at, so a file may be larger than memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace pt2 {

class MappedFile {
 public:
  // Throws PluginError naming the file and the reason.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // As long as this object. Somebody who cuts the file meanwhile ends the process with SIGBUS: bundles are replaced by rename.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace pt2
