// The rules are those of torchvision's Resize, CenterCrop and RandomResizedCrop; the draws are our own.
#include "geometry.h"

#include <algorithm>
#include <cmath>

namespace trainhost::images {
namespace {

AxisPlan stretched(uint32_t begin, uint32_t size, uint64_t to) {
  const auto wanted = static_cast<uint32_t>(to);
  return {begin, size, wanted, 0, wanted};
}

// torchvision rounds halves to even, as Python does, and so does nearbyint.
AxisPlan middle(uint32_t size, uint32_t resized, uint64_t wanted) {
  const double first = std::nearbyint((resized - static_cast<double>(wanted)) / 2);
  return {0, size, resized, static_cast<uint32_t>(first), static_cast<uint32_t>(wanted)};
}

Geometry centre(const ImageOptions& options, const ImageSize& size) {
  const uint64_t side = options.shorter_side ? options.shorter_side : std::max(options.height, options.width);
  const uint64_t shorter = std::min(size.height, size.width);
  const auto resized = [&](uint32_t axis) { return static_cast<uint32_t>(side * axis / shorter); };
  return {middle(size.height, resized(size.height), options.height), middle(size.width, resized(size.width), options.width)};
}

// base to the power of a fraction in [0, 1) out of square roots, which all machines round alike; exp and log differ between them.
double power(double base, double fraction) {
  double result = 1;
  for (int bit = 0; bit < 24; ++bit) {
    base = std::sqrt(base);
    fraction *= 2;
    if (fraction >= 1) result *= base, fraction -= 1;
  }
  return result;
}

// The largest part in the middle whose ratio is allowed: where ten draws have not met the image.
Geometry whole_within_ratio(const ImageOptions& options, const ImageSize& size) {
  const double ratio = static_cast<double>(size.width) / size.height;
  uint32_t height = size.height, width = size.width;
  if (ratio < options.crop_ratio[0]) height = std::clamp(static_cast<uint32_t>(std::nearbyint(width / options.crop_ratio[0])), 1u, size.height);
  if (ratio > options.crop_ratio[1]) width = std::clamp(static_cast<uint32_t>(std::nearbyint(height * options.crop_ratio[1])), 1u, size.width);
  return {stretched((size.height - height) / 2, height, options.height), stretched((size.width - width) / 2, width, options.width)};
}

Geometry random_part(const ImageOptions& options, const ImageSize& size, KeyedRandom& random) {
  const double area = static_cast<double>(size.height) * size.width;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double wanted = area * random.between(options.crop_area[0], options.crop_area[1]);
    const double ratio = options.crop_ratio[0] * power(options.crop_ratio[1] / options.crop_ratio[0], random.uniform());  // uniform in its logarithm
    const double width = std::nearbyint(std::sqrt(wanted * ratio)), height = std::nearbyint(std::sqrt(wanted / ratio));
    if (width < 1 || height < 1 || width > size.width || height > size.height) continue;
    const auto rows = static_cast<uint32_t>(height), columns = static_cast<uint32_t>(width);
    const uint32_t top = random.below(size.height - rows + 1), left = random.below(size.width - columns + 1);
    return {stretched(top, rows, options.height), stretched(left, columns, options.width)};
  }
  return whole_within_ratio(options, size);
}

}  // namespace

Geometry plan_geometry(const ImageOptions& options, const ImageSize& size, uint64_t random_key) {
  KeyedRandom random(random_key);
  const bool is_flipped = options.flip > 0 && random.uniform() < options.flip;
  Geometry geometry;
  if (options.crop == "random")
    geometry = random_part(options, size, random);
  else if (options.crop == "center")
    geometry = centre(options, size);
  else
    geometry = {stretched(0, size.height, options.height), stretched(0, size.width, options.width)};
  geometry.is_flipped = is_flipped;
  return geometry;
}

}  // namespace trainhost::images
