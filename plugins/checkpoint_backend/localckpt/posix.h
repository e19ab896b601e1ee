// Files of the local disk: handles that close themselves, and failures as sentences.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

namespace localckpt {

class Handle {
 public:
  Handle() = default;
  explicit Handle(int descriptor) : descriptor_(descriptor) {}
  Handle(Handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Handle();
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

/// Throws PluginError with the status that fits `error` (an errno): "/runs/a/x: cannot be written: No space left on device; 12 KiB are free there".
[[noreturn]] void fail(int error, const std::filesystem::path& path, std::string_view what);

/// All of it, at the offset.
void write_at(const Handle& file, const std::filesystem::path& path, uint64_t offset, std::span<const std::byte> bytes);
/// A second handle on a file, which writes past the page cache; not open where the file system has no such thing.
Handle open_direct(const std::filesystem::path& path);
/// As write_at(), and the page cache is none the fuller for it: through `direct` what is aligned to 4096; the rest, or all without it, is written out and dropped.
void write_past_cache(const Handle& file, const Handle& direct, const std::filesystem::path& path, uint64_t offset, std::span<const std::byte> bytes);
/// Fewer bytes than asked for only at the end of the file.
size_t read_at(const Handle& file, const std::filesystem::path& path, uint64_t offset, std::span<std::byte> out);

/// Takes the room for `size` bytes now, where the file system can, so that a full disk shows before the work.
void reserve(const Handle& file, const std::filesystem::path& path, uint64_t size);

/// Onto the disk, and out of the cache, so that a later read shows what the disk holds.
void sync_file(const Handle& file, const std::filesystem::path& path);
void sync_folder(const std::filesystem::path& folder);

/// Gives the temporary file its final name unless that is taken; false then. `temporary` is gone on return when true.
bool publish(const Handle& file, const std::filesystem::path& temporary, const std::filesystem::path& path);

/// A new file "~..." in the folder, locked as long as the handle is open, so that others see that its writer lives. Not open when the folder is not there.
std::pair<Handle, std::filesystem::path> open_temporary(const std::filesystem::path& folder);

/// Whether a name is one that open_temporary() makes; no key has such a part.
bool is_temporary(const std::filesystem::path& path);

/// Removes the file unless its writer lives.
void reap_temporary(const std::filesystem::path& path);

}  // namespace localckpt
