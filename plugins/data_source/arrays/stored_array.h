// Arrays in files of other programs: where they lie and what they are. The files are not trusted.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <trainhost/cpp/error.hpp>
#include <trainhost/types.h>

#include "arrays/stored_array.h"
#include "files/input_file.h"

namespace trainhost {

/// A .npy file of version 1, 2 or 3. Throws PluginError: DATA_LOSS for a file that is cut or damaged, INVALID_ARGUMENT for one in another order or format.
StoredArray read_npy(const InputFile& file);

/// The tensor `name` of a .safetensors file. Throws as read_npy, and NOT_FOUND with the names there are.
StoredArray read_safetensors(const InputFile& file, std::string_view name);

/// INVALID_ARGUMENT that begins with the path.
PluginError unsuitable(const InputFile& file, std::string_view words);
/// Bytes of all elements. Throws `damaged` for a shape that 64 bits cannot count.
uint64_t bytes_of(const InputFile& file, const StoredArray& array);

}  // namespace trainhost
