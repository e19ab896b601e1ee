// Arrays in files of other programs: where they lie and what they are. The files are not trusted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/error.hpp>
#include <trainhost/types.h>

#include "files/input_file.h"

namespace trainhost {

/// Row-major, little-endian. The elements lie inside of the file.
struct StoredArray {
  trainhost_dtype dtype{};
  std::vector<uint64_t> shape;  // the first axis is the sample
  uint64_t offset = 0;          // of the first element, in bytes

  uint64_t row_bytes() const;                                             // of one sample
  uint64_t num_rows() const { return shape.empty() ? 0 : shape.front(); }
};

/// A .npy file of version 1, 2 or 3. Throws PluginError: DATA_LOSS for a file that is cut or damaged, INVALID_ARGUMENT for one in another order or format.
StoredArray read_npy(const InputFile& file);

/// The tensor `name` of a .safetensors file. Throws as read_npy, and NOT_FOUND with the names there are.
StoredArray read_safetensors(const InputFile& file, std::string_view name);

/// INVALID_ARGUMENT that begins with the path.
PluginError unsuitable(const InputFile& file, std::string_view words);
/// Bytes of all elements. Throws `damaged` for a shape that 64 bits cannot count.
uint64_t bytes_of(const InputFile& file, const StoredArray& array);

}  // namespace trainhost
