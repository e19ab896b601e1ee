// A file that a run reads and that must stay as it was when the run began.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <trainhost/cpp/error.hpp>

#include "files/ranged_file.h"

namespace trainhost {

/// Read with pread and not mapped: a file that somebody cuts is then an error with a name, where a mapping would end the process with SIGBUS, and for pieces
/// of some KiB a call costs no more than the faults and the copy out of a mapping.
///
/// Each read looks at size and time of change. Where they have moved, the hash of the content decides: a file that was only touched is read on.
class InputFile {
 public:
  /// Bytes at each end that count for the hash of the content; of a file up to twice as long everything counts. What is changed behind the run's back between
  /// them, without moving the time of change, is not noticed.
  static constexpr uint64_t kHashedEnd = uint64_t{64} << 10;

  /// kOpen keeps the descriptor, for files of which many small pieces are read; a process has room for about a thousand of those. kClosed opens for each read.
  enum class Keep { kOpen, kClosed };
  /// How to read a data set of that many files: up to 256 stay open.
  static Keep keep_for(size_t num_files) { return num_files <= 256 ? Keep::kOpen : Keep::kClosed; }

  /// Throws PluginError PERMISSION_DENIED when it cannot be read, UNAVAILABLE when the process or machine has too many files open.
  explicit InputFile(std::filesystem::path path, Keep keep = Keep::kClosed, uint64_t hashed_end = kHashedEnd);
  /// An object of a store, which watches over its content itself. The hash of its ends is the same as that of a file with these bytes.
  explicit InputFile(std::unique_ptr<RangedFile> object, uint64_t hashed_end = kHashedEnd);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }  // of an object its URI
  uint64_t size() const { return size_; }
  const std::array<uint64_t, 2>& content_hash() const { return hash_; }
  /// Of a file its time of change in nanoseconds since 1970, when the content was last known to be the hashed one; of an object its ETag.
  std::string version() const;

  /// Fills `out` from byte `offset` on. Throws PluginError: DATA_LOSS with the path for a file that is gone, changed or shorter than that, UNAVAILABLE where a
  /// retry helps. [any]
  void read(uint64_t offset, std::span<std::byte> out) const;

 private:
  void check_unchanged(int descriptor) const;

  std::filesystem::path path_;
  uint64_t hashed_end_, size_ = 0;
  std::array<uint64_t, 2> hash_{};
  int kept_ = -1;                             // the descriptor, where it is kept
  mutable std::atomic<int64_t> modified_ns_ = 0;
  std::unique_ptr<RangedFile> object_;  // nothing for a file of this machine
};

/// Whether it is no file of this machine, but the URI of an object: "s3://BUCKET/KEY".
bool is_object(const std::filesystem::path& path);
/// The path from the root, the same wherever the process stands; of an object its URI.
std::string whole_name(const std::filesystem::path& path);

/// DATA_LOSS that begins with the path and ends with what to do.
PluginError damaged(const InputFile& file, std::string_view words);

/// Reads `out.size()` bytes, past interruptions. Returns the number that is there; fewer at the end of the file; -1 with errno for a failure.
ssize_t read_fully(int descriptor, uint64_t offset, std::span<std::byte> out);

}  // namespace trainhost
