#include "stored_array.h"

namespace trainhost {

uint64_t StoredArray::row_bytes() const {
  uint64_t bytes = dtype.bits / 8u;
  for (size_t axis = 1; axis < shape.size(); ++axis) bytes *= shape[axis];
  return bytes;
}

PluginError unsuitable(const InputFile& file, std::string_view words) { return {TRAINHOST_INVALID_ARGUMENT, format("{}: {}", file.path(), words)}; }

uint64_t bytes_of(const InputFile& file, const StoredArray& array) {
  uint64_t bytes = array.dtype.bits / 8u;
  for (const uint64_t size : array.shape)
    if (size != 0 && __builtin_mul_overflow(bytes, size, &bytes)) throw damaged(file, "its shape has more elements than there can be");
  for (const uint64_t size : array.shape)
    if (size == 0) bytes = 0;
  return bytes;
}

}  // namespace trainhost
