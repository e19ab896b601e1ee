// Objects as files below one folder: nothing is seen before it is whole and durable, nothing is ever overwritten.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "posix.h"

namespace localckpt {

struct FoundFile {
  std::string key;
  uint64_t size = 0;
  int64_t modified_unix_ms = 0;
};

/// All functions throw PluginError, and may be called from several threads at once.
class FileStore {
 public:
  /// Makes nothing: folders come with the first object, and go with the last when this object made them.
  explicit FileStore(std::filesystem::path root) : root_(std::move(root)) {}

  /// Throws when something that is no folder is in the way. Removes what dead writers left: temporary files, empty folders.
  void open();

  /// A new temporary file for the key, in its final folder, with room for `size` bytes. Throws ALREADY_EXISTS.
  std::pair<Handle, std::filesystem::path> begin(std::string_view key, uint64_t size);
  /// Syncs it and gives it its name; false when that is taken. The temporary file is gone then, and when it throws.
  bool finish(Handle file, const std::filesystem::path& temporary, std::string_view key);
  /// Throws the temporary file away.
  void abandon(const std::filesystem::path& temporary) noexcept;

  bool create(std::string_view key, std::span<const std::byte> bytes);  // false: the key holds other bytes
  size_t get(std::string_view key, uint64_t offset, std::span<std::byte> out) const;
  std::vector<FoundFile> list(std::string_view prefix) const;  // in bytewise order of the keys
  void remove(std::string_view key);  // removals from one folder reach the disk in their order

 private:
  /// A temporary file of `size` bytes in the folder of `path`, which is made when it is missing.
  std::pair<Handle, std::filesystem::path> open_beside(const std::filesystem::path& path, uint64_t size);
  std::filesystem::path path_of(std::string_view key) const;  // throws INVALID_ARGUMENT
  void make_folder(const std::filesystem::path& folder);
  void make_safe(const std::filesystem::path& folder, bool is_new);
  void prune(std::filesystem::path folder) noexcept;
  bool holds(std::string_view key, std::span<const std::byte> bytes) const;

  std::filesystem::path root_;
  std::mutex mutex_;  // between making a folder and putting a file in it, nobody may prune it
  std::set<std::filesystem::path> made_;  // root_ and its parents, where this object made them
  std::set<std::filesystem::path> safe_;  // folders whose names a power cut cannot take
};

}  // namespace localckpt
