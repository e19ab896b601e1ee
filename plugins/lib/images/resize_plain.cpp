// The loops of resizing for any processor.
#include "images/resize_loops.h"

namespace trainhost::images {
namespace {

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

// Weights are not negative, but may sum up to a little more than 1.
uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(sum >> kFractionBits > 255 ? 255 : sum >> kFractionBits); }

template <size_t kChannels>
void shrink(const uint8_t* source, const LoopWeights& weights, uint8_t* out) {
  const int32_t* values = weights.values;
  for (size_t i = 0; i < weights.count; ++i, values += weights.taps, out += kStoredPixel) {
    const uint8_t* pixel = source + size_t{weights.first[i]} * kChannels;
    int32_t sums[kChannels];
    for (int32_t& sum : sums) sum = kHalf;
    for (uint32_t tap = 0; tap < weights.taps; ++tap, pixel += kChannels)
      for (size_t c = 0; c < kChannels; ++c) sums[c] += pixel[c] * values[tap];
    for (size_t c = 0; c < kChannels; ++c) out[c] = rounded(sums[c]);
  }
}

void blend(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t bytes, uint8_t* out) {
  constexpr size_t kPiece = 64;
  int32_t sums[kPiece];
  for (size_t begin = 0; begin < bytes; begin += kPiece) {
    const size_t count = bytes - begin < kPiece ? bytes - begin : kPiece;
    for (size_t x = 0; x < count; ++x) sums[x] = kHalf;
    for (uint32_t tap = 0; tap < taps; ++tap)
      for (size_t x = 0; x < count; ++x) sums[x] += rows[tap][begin + x] * weights[tap];
    for (size_t x = 0; x < count; ++x) out[begin + x] = rounded(sums[x]);
  }
}

constexpr ResizeLoops kLoops{&shrink<3>, &shrink<1>, &blend};

}  // namespace

const ResizeLoops& plain_loops() { return kLoops; }

}  // namespace trainhost::images
