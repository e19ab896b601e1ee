// Arrays in files of other programs: where they lie and what they are. The files are not trusted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/error.hpp>
#include <trainhost/types.h>

namespace trainhost {

/// Row-major, little-endian. The elements lie inside of the bytes that they were read from.
struct StoredArray {
  trainhost_dtype dtype{};
  std::vector<uint64_t> shape;  // for a source of arrays the first axis is the sample
  uint64_t offset = 0;          // of the first element, in bytes

  uint64_t row_bytes() const;  // of one sample
  uint64_t num_rows() const { return shape.empty() ? 0 : shape.front(); }
};

/// What an array is read from: a file, or a member of an archive.
struct ArrayBytes {
  std::string place;  // begins every message
  uint64_t size;
  std::function<void(uint64_t offset, std::span<std::byte> out)> read;  // is asked for what lies inside of size
};

/// Bytes of all elements. Throws PluginError(DATA_LOSS) for a shape that 64 bits cannot count.
uint64_t bytes_of(const StoredArray& array, std::string_view place);

}  // namespace trainhost
