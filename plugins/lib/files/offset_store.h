// Places in a file that were found by reading all of it, kept for the next run.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/input_file.h"

namespace trainhost {

/// One small file for each file and purpose in a folder of the run's cache (`host().cache_folder()`), which may be removed at any time. What is there counts only for the
/// same path, size, time of change and hash of the content, and with the right checksum; else it is as if there were nothing.
class OffsetStore {
 public:
  /// Smaller files are read again sooner than their offsets would be of use.
  static constexpr uint64_t kLeastBytes = uint64_t{32} << 20;

  /// An empty folder keeps nothing.
  explicit OffsetStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// `purpose`: what the offsets are, and every setting that decides them. [any]
  std::optional<std::vector<uint64_t>> load(const InputFile& file, std::string_view purpose) const;
  /// Returns the words of a failure, empty where there is none. [any]
  std::string save(const InputFile& file, std::string_view purpose, std::span<const uint64_t> offsets) const;

 private:
  bool is_for(const InputFile& file) const { return !folder_.empty() && file.size() >= kLeastBytes; }
  std::filesystem::path place(const InputFile& file, std::string_view purpose) const;

  std::filesystem::path folder_;
};

}  // namespace trainhost
