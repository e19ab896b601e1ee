// A file of kept samples: a header, then records one behind the other. Only its writer appends; readers, of any process, follow.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "descriptor.h"

namespace trainhost::sample_cache {

/// Of a data set: everything that decides the bytes of its samples.
using Key = std::array<uint8_t, 32>;

/// Where the content of one sample stands.
struct Record {
  uint64_t id = 0, offset = 0, bytes = 0;
  uint32_t checksum = 0;  // CRC-32C of the content
  uint32_t zero = 0;      // no byte of the index is left to chance
};

class Segment {
 public:
  static constexpr uint64_t kHeaderBytes = 64, kRecordHeaderBytes = 32;
  static constexpr uint64_t kIndexBytes = sizeof(Record);  // in the index, for each record
  static constexpr const char *kSuffix = ".samples", *kIndexSuffix = ".index";

  /// A new file, locked for writing. Throws std::system_error.
  static std::unique_ptr<Segment> create(const std::filesystem::path& path, const Key& key);
  /// An existing one. nullptr when it is no file of this key, or cannot be opened.
  static std::unique_ptr<Segment> open(const std::filesystem::path& path, const Key& key);
  /// The key that stands in a file's header. nullptr as open().
  static std::unique_ptr<Segment> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const Key& key() const { return key_; }
  /// Behind the last record that scan(), append() or the index has told of.
  uint64_t end() const { return end_; }
  uint64_t size() const;
  /// The file is still there under a name.
  bool is_there() const;

  /// Records that the index beside the file tells of, if it is sound; called before the first scan().
  std::vector<Record> read_index();
  /// Writes that index. A failure costs the next opening some time and nothing else.
  void write_index(std::span<const Record> records) const;
  /// Whole records behind end(). A record that is not whole ends it: it is being written, or its writer was killed.
  std::vector<Record> scan();

  /// Fills `out`, which has record.bytes bytes. False when that cannot be read or has another checksum. [any]
  bool read(const Record& record, std::span<std::byte> out) const;

  /// Whether this object may append: nobody else does, and the file can be written. Held until unlock().
  bool lock();
  void unlock();
  /// Cuts off what a killed writer has left behind end(). Only when locked. Throws std::system_error.
  void drop_tail();
  /// `record`: kRecordHeaderBytes of room, then the content; both are filled up here. Only when locked. Throws std::system_error, after which the file is as before.
  Record append(uint64_t id, std::vector<std::byte>& record);

  /// Says that it was used now, at most once in kTouchSeconds. [any]
  void touch();
  static constexpr int64_t kTouchSeconds = 30;

 private:
  Segment(std::filesystem::path path, Descriptor descriptor, bool is_writable) : path_(std::move(path)), descriptor_(std::move(descriptor)), is_writable_(is_writable) {}

  std::filesystem::path path_;
  Descriptor descriptor_;
  bool is_writable_;
  Key key_{};
  uint64_t serial_ = 0;
  uint64_t end_ = kHeaderBytes;
  std::atomic<int64_t> touched_s_ = 0;
};

/// "000012.samples" -> "000012.index".
std::filesystem::path index_path(const std::filesystem::path& segment);

}  // namespace trainhost::sample_cache
