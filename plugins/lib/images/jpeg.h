// JPEG through libjpeg-turbo.
#pragma once
#include <memory>

#include "row_reader.h"

namespace trainhost::images {

/// Baseline and progressive, grey, YCbCr, RGB, CMYK and YCCK. Whatever the decoder warns of (a file that ends early, a bad code, bytes that belong to nothing)
/// is an error, unless `tolerates_warnings`. A reduced size is decoded in the frequency domain, which spares work on pixels, but none on bits.
std::unique_ptr<RowReader> make_jpeg_reader(bool tolerates_warnings);

}  // namespace trainhost::images
