// The index of a shard as bytes: the file that spares the next run the walk through the archive.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shard_index.h"

namespace trainhost::tarshards {

/// `shard_size`, `shard_version`: of the archive that it belongs to. Little-endian throughout:
///
///   8 bytes   "THTARIX" and the format's number, 1
///   u64       shard_size
///   text      shard_version; a text is its length as u32, then its bytes
///   u8        whether the archive had its mark of the end
///   u32       number of extensions, then each as a text
///   u64       number of faults, u32 number of those that follow: u64 offset, text
///   u64       number of samples, each: text key, u32 number of members, each: u32 extension, u64 offset, u64 size
///   u32       CRC-32C of all before it
std::vector<std::byte> write_index(const ShardIndex& index, uint64_t shard_size, std::string_view shard_version);

/// Nothing for bytes that are no whole index, or one of another archive or version of it.
std::optional<ShardIndex> read_index(std::span<const std::byte> bytes, uint64_t shard_size, std::string_view shard_version);

}  // namespace trainhost::tarshards
