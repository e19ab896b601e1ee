// Samples as pixels, and their places in the sheet.
#include "commands/contact_sheet.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/png.h"

namespace trainhost {
namespace {

constexpr uint32_t kGap = 2;              // pixels between pictures
constexpr size_t kMostPixels = 64 << 20;  // of a sheet: a few hundred MB of memory

/// A float32 or uint8 element as 0 to 255.
std::vector<uint8_t> levels_of(const HostField& field, const std::byte* sample, size_t count) {
  std::vector<uint8_t> levels(count);
  if (field.dtype.code == TRAINHOST_DTYPE_UINT) {
    std::memcpy(levels.data(), sample, count);
    return levels;
  }
  std::vector<float> values(count);
  std::memcpy(values.data(), sample, count * sizeof(float));
  float low = INFINITY, high = -INFINITY;
  for (const float value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  const float range = high > low ? high - low : 1;
  for (size_t i = 0; i < count; ++i) levels[i] = std::isfinite(values[i]) ? static_cast<uint8_t>(std::lround((values[i] - low) / range * 255)) : 0;
  return levels;
}

}  // namespace

bool is_picture(const FieldSpec& field) {
  const bool is_known = (field.dtype.code == TRAINHOST_DTYPE_UINT && field.dtype.bits == 8) || (field.dtype.code == TRAINHOST_DTYPE_FLOAT && field.dtype.bits == 32);
  return is_known && field.shape.size() == 3 && (field.shape[0] == 1 || field.shape[0] == 3) && field.shape[1] > 1 && field.shape[2] > 1;
}

std::vector<Picture> pictures_of(const HostField& field) {
  const auto samples = static_cast<size_t>(field.shape[0]), channels = static_cast<size_t>(field.shape[1]);
  const auto height = static_cast<size_t>(field.shape[2]), width = static_cast<size_t>(field.shape[3]), plane = height * width;
  const size_t sample_bytes = samples > 0 ? field.bytes / samples : 0;
  std::vector<Picture> pictures;
  for (size_t sample = 0; sample < samples; ++sample) {
    const std::vector<uint8_t> levels = levels_of(field, field.data + sample * sample_bytes, channels * plane);
    Picture picture{static_cast<uint32_t>(width), static_cast<uint32_t>(height), std::vector<uint8_t>(plane * 3)};
    for (size_t pixel = 0; pixel < plane; ++pixel)
      for (size_t channel = 0; channel < 3; ++channel) picture.rgb[pixel * 3 + channel] = levels[(channels == 3 ? channel : 0) * plane + pixel];
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

std::string contact_sheet(std::span<const Picture> pictures) {
  uint32_t cell_width = 0, cell_height = 0;
  for (const Picture& picture : pictures) cell_width = std::max(cell_width, picture.width + kGap), cell_height = std::max(cell_height, picture.height + kGap);
  size_t columns = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(pictures.size()) * cell_height / std::max(cell_width, 1u))));
  columns = std::clamp<size_t>(columns, 1, std::max<size_t>(pictures.size(), 1));
  size_t rows = (pictures.size() + columns - 1) / columns;
  while (rows > 1 && columns * cell_width * rows * cell_height > kMostPixels) --rows;  // the first ones
  const size_t width = columns * cell_width + kGap, height = rows * cell_height + kGap;
  std::string pixels(width * height * 3, '\x80');
  for (size_t i = 0; i < std::min(pictures.size(), rows * columns); ++i) {
    const size_t left = i % columns * cell_width + kGap, top = i / columns * cell_height + kGap, row_bytes = pictures[i].width * size_t{3};
    for (size_t row = 0; row < pictures[i].height; ++row) std::memcpy(pixels.data() + ((top + row) * width + left) * 3, pictures[i].rgb.data() + row * row_bytes, row_bytes);
  }
  return png_image(static_cast<uint32_t>(width), static_cast<uint32_t>(height), pixels);
}

}  // namespace trainhost
