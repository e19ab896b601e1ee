// Pictures as PNG files.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace trainhost {

/// A PNG file. `rgb`: 3 bytes a pixel, row by row; width * height * 3 bytes, at most 2^31.
std::string png_image(uint32_t width, uint32_t height, std::string_view rgb);

}  // namespace trainhost
