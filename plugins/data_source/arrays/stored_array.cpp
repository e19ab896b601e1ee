#include "stored_array.h"

#include "arrays/npy.h"

namespace trainhost {

PluginError unsuitable(const InputFile& file, std::string_view words) { return {TRAINHOST_INVALID_ARGUMENT, format("{}: {}", file.path(), words)}; }

StoredArray read_npy(const InputFile& file) {
  return read_npy({file.path().string(), file.size(), [&file](uint64_t offset, std::span<std::byte> out) { file.read(offset, out); }});
}

uint64_t bytes_of(const InputFile& file, const StoredArray& array) { return bytes_of(array, file.path().native()); }

}  // namespace trainhost
