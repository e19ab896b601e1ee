// A folder that is gone when its owner is.
#pragma once
#include <filesystem>

#include "base/files.h"

namespace trainhost {

class TemporaryFolder {
 public:
  /// A new folder PARENT/PREFIX-<random>; the parents are made when they are missing, and removed again when nothing else is in them.
  TemporaryFolder(const std::filesystem::path& parent, const std::string& prefix);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_, existing_;
};

/// Removes the folder and its parents below `existing`, from the innermost, as far as they are empty.
void remove_empty_folders(std::filesystem::path folder, const std::filesystem::path& existing);

/// The innermost part of the path that is there.
std::filesystem::path nearest_existing(std::filesystem::path folder);

}  // namespace trainhost
