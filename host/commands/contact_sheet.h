// Small pictures side by side in one PNG file.
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/batch.h"

namespace trainhost {

struct Picture {
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> rgb;  // 3 bytes a pixel, row by row
};

/// Whether samples of this field look like images: uint8 or float32, [1 or 3, height, width].
bool is_picture(const FieldSpec& field);

/// The samples of such a field. Floats are spread from the smallest to the largest of each sample, since the field does not say what they were normalised with.
std::vector<Picture> pictures_of(const HostField& field);

/// A PNG image of all pictures in rows, as square as it goes.
std::string contact_sheet(std::span<const Picture> pictures);

}  // namespace trainhost
