// CRC32C (Castagnoli), the checksum of every checkpoint block.
#pragma once
#include <cstdint>
#include <cstddef>

namespace trainhost {

/// CRC32C of `size` bytes, continuing from `previous` (0 starts). Check value: "123456789" gives 0xe3069283.
uint32_t crc32c(const void* data, size_t size, uint32_t previous = 0);

}  // namespace trainhost
