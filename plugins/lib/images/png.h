// PNG through libpng.
#pragma once
#include <memory>

#include "row_reader.h"

namespace trainhost::images {

/// Every colour type and depth, interlaced or not. 16 bits are scaled to 8, alpha and transparency are left out, gamma and colour profiles are not applied
/// (as Pillow's convert("RGB") has it). Checksums are verified. An interlaced image is decoded whole before its first row.
std::unique_ptr<RowReader> make_png_reader();

}  // namespace trainhost::images
