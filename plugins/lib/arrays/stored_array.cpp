// Counts with 64 bits, and notices when they do not suffice.
#include "arrays/stored_array.h"

namespace trainhost {

uint64_t StoredArray::row_bytes() const {
  uint64_t bytes = dtype.bits / 8u;
  for (size_t axis = 1; axis < shape.size(); ++axis) bytes *= shape[axis];
  return bytes;
}

uint64_t bytes_of(const StoredArray& array, std::string_view place) {
  uint64_t bytes = array.dtype.bits / 8u;
  for (const uint64_t size : array.shape)
    if (size != 0 && __builtin_mul_overflow(bytes, size, &bytes)) throw PluginError(TRAINHOST_DATA_LOSS, format("{}: its shape has more elements than there can be", place));
  for (const uint64_t size : array.shape)
    if (size == 0) bytes = 0;
  return bytes;
}

}  // namespace trainhost
