// Integers throughout, so that every machine gives the same bytes.
#include "resize.h"

#include <algorithm>
#include <cmath>

namespace trainhost::images {
namespace {

// Positions count from the first source pixel that is looked at.
struct Axis {
  Axis(const AxisPlan& plan, uint32_t reduction) {
    const double begin = static_cast<double>(plan.begin) / reduction, end = static_cast<double>(plan.begin + plan.size) / reduction;
    origin = std::floor(begin);
    shift = begin - origin;
    scale = (end - begin) / plan.full;
    reach = std::max(scale, 1.0);
    num_pixels = static_cast<int64_t>(std::ceil(end) - origin);
    is_copy = scale == 1 && shift == 0;
  }
  double centre(int64_t pixel) const { return shift + (static_cast<double>(pixel) + 0.5) * scale; }
  int64_t first(int64_t pixel) const { return is_copy ? pixel : std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre(pixel) - reach + 0.5))); }
  int64_t end(int64_t pixel) const { return is_copy ? pixel + 1 : std::min(num_pixels, static_cast<int64_t>(std::floor(centre(pixel) + reach + 0.5))); }

  double origin, shift, scale, reach;
  int64_t num_pixels;
  bool is_copy;
};

// The triangle around `centre`, from source pixel `first` on, scaled to a sum of 1.
void fill_triangle(const Axis& axis, int64_t pixel, std::vector<double>& triangle) {
  const double centre = axis.centre(pixel), inverse_reach = 1 / axis.reach;
  const int64_t first = axis.first(pixel);
  double sum = 0;
  for (size_t tap = 0; tap < triangle.size(); ++tap)
    sum += triangle[tap] = std::max(0.0, 1 - std::abs((static_cast<double>(first + static_cast<int64_t>(tap)) - centre + 0.5) * inverse_reach));
  for (double& value : triangle) value *= 1 / sum;
}

std::vector<int16_t> packed(const Weights& weights) {
  const size_t groups = num_groups(weights.taps);
  std::vector<int16_t> out(weights.first.size() * groups * 2 * kGroupTaps);
  for (size_t i = 0; i < weights.first.size(); ++i)
    for (uint32_t tap = 0; tap < weights.taps; ++tap) {
      int16_t* const group = out.data() + (i * groups + tap / kGroupTaps) * 2 * kGroupTaps + tap % kGroupTaps;
      const int32_t value = weights.values[i * weights.taps + tap];
      group[0] = static_cast<int16_t>(value >> kLowBits);
      group[kGroupTaps] = static_cast<int16_t>(value & ((1 << kLowBits) - 1));
    }
  return out;
}

}  // namespace

Weights bilinear_weights(const AxisPlan& plan, uint32_t reduction) {
  const Axis axis(plan, reduction);
  Weights weights;
  weights.is_copy = axis.is_copy;
  int64_t taps = 1;
  for (int64_t i = plan.first; i < int64_t{plan.first} + plan.count; ++i) taps = std::max(taps, axis.end(i) - axis.first(i));
  weights.taps = static_cast<uint32_t>(taps);
  weights.values.assign(size_t{plan.count} * weights.taps, 0);
  std::vector<double> triangle;
  for (uint32_t i = 0; i < plan.count; ++i) {
    const int64_t pixel = int64_t{plan.first} + i, first = axis.first(pixel);
    triangle.resize(static_cast<size_t>(axis.end(pixel) - first));
    fill_triangle(axis, pixel, triangle);
    // All taps are read, also those without a weight: the window stays inside of the source.
    const int64_t window = std::min(first, axis.num_pixels - taps);
    int32_t* value = weights.values.data() + size_t{i} * weights.taps + (first - window);
    for (const double weight : triangle) *value++ = static_cast<int32_t>(std::lround(weight * (1 << kFractionBits)));
    weights.first.push_back(static_cast<uint32_t>(window));
  }
  const uint32_t skipped = weights.first.front();
  weights.read_begin = static_cast<uint32_t>(axis.origin) + skipped;
  weights.read_count = weights.first.back() + weights.taps - skipped;
  for (uint32_t& first : weights.first) first -= skipped;
  weights.packed = packed(weights);
  return weights;
}

void Resizer::run(const Weights& vertical, const Weights& horizontal, uint32_t channels, const NextRow& next_row, const TakeRow& take_row) {
  const auto height = static_cast<uint32_t>(vertical.first.size());
  if (vertical.is_copy && horizontal.is_copy) {
    for (uint32_t y = 0; y < height; ++y) take_row(y, next_row(), channels);
    return;
  }
  const ResizeLoops& loops = best_loops();
  const auto shrink = channels == 3 ? loops.shrink_rgb : loops.shrink_grey;
  const size_t width = horizontal.first.size(), row_bytes = width * kStoredPixel, stored_bytes = row_bytes + kRowPadding;
  rows_.resize(stored_bytes * vertical.taps);
  result_.resize(stored_bytes);
  read_.resize(vertical.taps);
  const auto row_at = [&](uint32_t y) { return rows_.data() + y % vertical.taps * stored_bytes; };
  uint32_t have = 0;
  for (uint32_t y = 0; y < height; ++y) {
    const uint32_t first = vertical.first[y];
    for (; have < first + vertical.taps; ++have) shrink(next_row(), horizontal.for_loops(), row_at(have));
    for (uint32_t tap = 0; tap < vertical.taps; ++tap) read_[tap] = row_at(first + tap);
    loops.blend(read_.data(), vertical.values.data() + size_t{y} * vertical.taps, vertical.taps, row_bytes, result_.data());
    take_row(y, result_.data(), kStoredPixel);
  }
}

}  // namespace trainhost::images
