// Integers throughout, so that every machine gives the same bytes.
#include "resize.h"

#include <algorithm>
#include <cmath>

namespace trainhost::images {
namespace {

constexpr int kFractionBits = 22;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

// One source row to the width of the result, channels apart.
template <uint32_t kChannels>
void shrink_row(const uint8_t* source, const Weights& weights, uint8_t* out) {
  const size_t width = weights.first.size();
  const int32_t* values = weights.values.data();
  for (size_t x = 0; x < width; ++x, values += weights.taps) {
    const uint8_t* pixel = source + size_t{weights.first[x]} * kChannels;
    int32_t sums[kChannels];
    for (int32_t& sum : sums) sum = kHalf;
    for (uint32_t tap = 0; tap < weights.taps; ++tap, pixel += kChannels)
      for (uint32_t c = 0; c < kChannels; ++c) sums[c] += values[tap] * pixel[c];
    for (uint32_t c = 0; c < kChannels; ++c) out[c * width + x] = rounded(sums[c]);
  }
}

void add_row(const uint8_t* row, int32_t weight, int32_t* sums, size_t width) {
  for (size_t x = 0; x < width; ++x) sums[x] += weight * row[x];
}

void round_row(const int32_t* sums, uint8_t* out, size_t width) {
  for (size_t x = 0; x < width; ++x) out[x] = rounded(sums[x]);
}

}  // namespace

Weights bilinear_weights(const AxisPlan& plan, uint32_t reduction) {
  const double begin = static_cast<double>(plan.begin) / reduction, end = static_cast<double>(plan.begin + plan.size) / reduction;
  const double scale = (end - begin) / plan.full, reach = std::max(scale, 1.0), inverse_reach = 1 / reach;
  // Positions count from the first source pixel that is looked at.
  const double origin = std::floor(begin), shift = begin - origin;
  const auto num_pixels = static_cast<int64_t>(std::ceil(end) - origin);
  const bool is_copy = scale == 1 && shift == 0;
  const int64_t taps = is_copy ? 1 : std::min<int64_t>(2 * static_cast<int64_t>(std::ceil(reach)) + 1, num_pixels);

  Weights weights;
  weights.taps = static_cast<uint32_t>(taps);
  weights.values.assign(size_t{plan.count} * weights.taps, 0);
  std::vector<double> triangle(weights.taps);
  for (uint32_t i = 0; i < plan.count; ++i) {
    const double centre = shift + (plan.first + i + 0.5) * scale;
    const int64_t first = is_copy ? plan.first + i : std::max<int64_t>(0, static_cast<int64_t>(std::floor(centre - reach + 0.5)));
    const int64_t last = std::min({num_pixels, static_cast<int64_t>(std::floor(centre + reach + 0.5)), first + taps});
    double sum = 0;
    for (int64_t x = first; x < last; ++x)
      sum += triangle[static_cast<size_t>(x - first)] = std::max(0.0, 1 - std::abs((static_cast<double>(x) - centre + 0.5) * inverse_reach));
    // All taps are read, also those without a weight: the window stays inside of the source.
    const int64_t window = std::min(first, num_pixels - taps);
    int32_t* value = weights.values.data() + size_t{i} * weights.taps + (first - window);
    for (int64_t x = first; x < last; ++x) *value++ = static_cast<int32_t>(std::lround(triangle[static_cast<size_t>(x - first)] * (1 / sum) * (1 << kFractionBits)));
    weights.first.push_back(static_cast<uint32_t>(window));
  }
  const uint32_t skipped = weights.first.front();
  weights.read_begin = static_cast<uint32_t>(origin) + skipped;
  weights.read_count = weights.first.back() + weights.taps - skipped;
  for (uint32_t& first : weights.first) first -= skipped;
  return weights;
}

void Resizer::run(const Weights& vertical, const Weights& horizontal, uint32_t channels, const std::function<const uint8_t*()>& next_row,
                  const std::function<void(uint32_t, const uint8_t*)>& take_row) {
  const size_t row_bytes = horizontal.first.size() * channels;
  rows_.resize(row_bytes * vertical.taps);
  result_.resize(row_bytes);
  sums_.resize(row_bytes);
  const auto shrink = channels == 3 ? shrink_row<3> : shrink_row<1>;
  const auto row_at = [&](uint32_t y) { return rows_.data() + y % vertical.taps * row_bytes; };
  uint32_t have = 0;
  for (uint32_t y = 0; y < vertical.first.size(); ++y) {
    const uint32_t first = vertical.first[y];
    for (; have < first + vertical.taps; ++have) shrink(next_row(), horizontal, row_at(have));
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (uint32_t tap = 0; tap < vertical.taps; ++tap)
      if (const int32_t weight = vertical.values[size_t{y} * vertical.taps + tap]) add_row(row_at(first + tap), weight, sums_.data(), row_bytes);
    round_row(sums_.data(), result_.data(), row_bytes);
    take_row(y, result_.data());
  }
}

}  // namespace trainhost::images
