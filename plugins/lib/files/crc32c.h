// The checksum of what plugins keep on disk.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainhost {

/// CRC-32C (Castagnoli, RFC 3720) of all bytes.
uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace trainhost
