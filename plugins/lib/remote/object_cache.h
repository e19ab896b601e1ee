// Blocks of objects in a folder that all processes of this machine share.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trainhost::remote {

/// A block that is or may be in the cache. Names are such as "3f..e2-17": they say of what content.
struct BlockName {
  std::string text;
  uint64_t bytes = 0;
};

/// A block is a file, written under another name and then renamed: it is there whole or not at all, whenever a process dies. What is read is compared with checksums, so
/// that nothing needs to be synced. The blocks read longest ago go when there is too much.
///
/// All functions [any], and from any number of processes.
class ObjectCache {
 public:
  /// The right to fetch a block, which one process and thread has at a time; a process that dies gives it back.
  class Claim {
   public:
    explicit Claim(int descriptor) : descriptor_(descriptor) {}
    ~Claim();
    Claim(Claim&& other) noexcept;
    Claim& operator=(Claim&&) = delete;
    int descriptor() const { return descriptor_; }

   private:
    int descriptor_;
  };

  using Warn = std::function<void(const std::string& words)>;
  /// `limit_bytes`: of all files of blocks; 0 keeps nothing. `warn` is told once why nothing is kept any more.
  ObjectCache(std::filesystem::path folder, uint64_t limit_bytes, Warn warn) : folder_(std::move(folder)), limit_bytes_(limit_bytes), warn_(std::move(warn)) {}

  /// Makes the folder.
  void open();
  /// Whether blocks are kept. From a failure to write on they are not.
  bool is_open() const { return is_open_; }

  /// Fills `out` from byte `offset` of the block, which holds that much. False when it is not there; one that is damaged is removed, and is not there.
  bool read(const BlockName& block, uint64_t offset, std::span<std::byte> out);
  bool holds(const BlockName& block) const;
  /// Nothing while another one has it, and when the cache is not open.
  std::optional<Claim> claim(const BlockName& block);
  void keep(const BlockName& block, std::span<const std::byte> bytes);

 private:
  std::filesystem::path path_of(std::string_view name) const { return folder_ / name.substr(0, 2) / name; }
  std::string write(const BlockName& block, std::span<const std::byte> bytes) const;
  void close_after(const std::string& words);
  std::optional<Claim> lock_byte(uint64_t number);
  void make_room();

  std::filesystem::path folder_;
  uint64_t limit_bytes_;
  Warn warn_;
  std::atomic<bool> is_open_ = false;
  std::mutex mutex_;
  uint64_t unseen_bytes_ = 0;  // that this process has added since it looked at the whole folder
};

}  // namespace trainhost::remote
