// Where the frames of a zstd file lie: the seek table at its end, in Zstandard's seekable format.
#pragma once
#include <cstdint>
#include <vector>

#include "files/ranged_file.h"

namespace trainhost::tarshards {

struct SeekTable {
  struct Frame {
    uint64_t offset = 0, bytes = 0;  // in the file
    uint64_t begin = 0, size = 0;    // in what was compressed
    uint32_t checksum = 0;           // the low half of XXH64 of the content, where has_checksums
  };
  std::vector<Frame> frames;  // with content, in order
  uint64_t size = 0;          // of all that was compressed
  bool has_checksums = false;
};

/// A frame is decompressed whole: larger ones are refused.
inline constexpr uint64_t kLargestFrame = uint64_t{256} << 20;

/// Whether the bytes begin a zstd file.
bool is_zstd(const RangedFile& file);

/// Throws PluginError: INVALID_ARGUMENT for a file without a seek table, DATA_LOSS for a table that does not fit the file.
SeekTable read_seek_table(const RangedFile& file);

}  // namespace trainhost::tarshards
