// ISA-L's CRC32C: 14 GB/s a core, against 0.4 of Boost.CRC.
#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>

namespace trainhost {

uint32_t crc32c(const void* data, size_t size, uint32_t previous) {
  constexpr size_t kPiece = size_t{1} << 30;  // the length of crc32_iscsi is an int
  auto* bytes = static_cast<unsigned char*>(const_cast<void*>(data));  // it reads only
  uint32_t crc = ~previous;
  for (; size > 0; ) {
    const size_t piece = std::min(size, kPiece);
    crc = crc32_iscsi(bytes, static_cast<int>(piece), crc);
    bytes += piece;
    size -= piece;
  }
  return ~crc;
}

}  // namespace trainhost
