// A cached block as a file: its bytes, then a checksum of each page of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trainhost::remote {

/// The unit of checksums: a read verifies the pages that it touches, so that a small one costs little.
inline constexpr uint64_t kPage = uint64_t{16} << 10;

/// The table that stands behind the bytes. A page counts only in its own place: its number is part of the checksum.
std::vector<uint64_t> page_checksums(std::span<const std::byte> bytes);

/// Bytes that the file of a block of this size has.
uint64_t block_file_bytes(uint64_t block_bytes);

/// Fills `out` from byte `offset` of the block, which holds that much. False: the file is no whole one of a block of this size, or its bytes are not those that
/// were written. `descriptor`: open for reading.
bool read_block_file(int descriptor, uint64_t block_bytes, uint64_t offset, std::span<std::byte> out);

}  // namespace trainhost::remote
