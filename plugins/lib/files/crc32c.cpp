#include "files/crc32c.h"

#include <algorithm>
#include <climits>

#include <isa-l/crc.h>

namespace trainhost {

uint32_t crc32c(std::span<const std::byte> bytes) {
  unsigned crc = 0xffffffffu;
  while (!bytes.empty()) {
    const size_t piece = std::min<size_t>(bytes.size(), INT_MAX);
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data())), static_cast<int>(piece), crc);
    bytes = bytes.subspan(piece);
  }
  return ~crc;
}

}  // namespace trainhost
