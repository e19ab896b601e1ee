// Conversions between the colours of files and those that are asked for, a row at a time.
#pragma once
#include <cstdint>

namespace trainhost::images {

/// Luma of ITU-R 601 in 16-bit fractions, which is what Pillow's mode "L" holds. `grey` may be `rgb`.
inline void rgb_to_grey(const uint8_t* rgb, uint8_t* grey, uint32_t width) {
  for (uint32_t x = 0; x < width; ++x, rgb += 3) grey[x] = static_cast<uint8_t>((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/// Ink to light without a colour profile. Files with Adobe's mark hold the inverse of the ink. `rgb` may be `cmyk`.
inline void cmyk_to_rgb(const uint8_t* cmyk, uint8_t* rgb, uint32_t width, bool is_inverted) {
  const auto divide_by_255 = [](uint32_t product) { return static_cast<uint8_t>((product + 128 + ((product + 128) >> 8)) >> 8); };
  const uint8_t flip = is_inverted ? 0 : 255;
  for (uint32_t x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const uint32_t light = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) rgb[c] = divide_by_255((cmyk[c] ^ flip) * light);
  }
}

}  // namespace trainhost::images
