// Files that numpy.save writes.
#pragma once
#include "arrays/stored_array.h"

namespace trainhost {

/// A .npy file of version 1, 2 or 3, of which nothing but the array is there. Throws PluginError: DATA_LOSS for bytes that are cut or damaged, INVALID_ARGUMENT for
/// an array in another order or format, and what `read` throws.
StoredArray read_npy(const ArrayBytes& bytes);

}  // namespace trainhost
