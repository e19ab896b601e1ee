// The loops of resizing with AVX2. Compiled with -mavx2: no function of a library belongs here, since the linker would give it to the whole program.
#include <immintrin.h>

#include "images/resize_loops.h"

namespace trainhost::images {
namespace {

// Four pixels of 3 bytes at a time: products of 16 bits, of which two neighbours are summed, for the high and the low part of the weights. Sixteen bytes are read
// for twelve. Afterwards red lies in lanes 0 and 1 of 32 bits, green in 2 and 3, blue in 4 and 5.
void shrink_rgb(const uint8_t* source, const LoopWeights& weights, uint8_t* out) {
  const __m256i four_pixels = _mm256_setr_epi8(0, -1, 3, -1, 6, -1, 9, -1, 1, -1, 4, -1, 7, -1, 10, -1,  // red, green
                                               2, -1, 5, -1, 8, -1, 11, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i half = _mm256_set1_epi32(1 << (kFractionBits - 1));
  const __m128i red_green = _mm_setr_epi8(0, 8, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1), blue = _mm_setr_epi8(-1, -1, 0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const uint32_t groups = num_groups(weights.taps);
  const int16_t* packed = weights.packed;
  for (size_t i = 0; i < weights.count; ++i, out += kStoredPixel) {
    const uint8_t* pixel = source + size_t{weights.first[i]} * 3;
    __m256i high = _mm256_setzero_si256(), low = high;
    for (uint32_t group = 0; group < groups; ++group, pixel += 3 * kGroupTaps, packed += 2 * kGroupTaps) {
      const __m256i bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(pixel)));
      const __m256i words = _mm256_shuffle_epi8(bytes, four_pixels);
      high = _mm256_add_epi32(high, _mm256_madd_epi16(words, _mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(packed)))));
      low = _mm256_add_epi32(low, _mm256_madd_epi16(words, _mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(packed + kGroupTaps)))));
    }
    const __m256i halves = _mm256_add_epi32(_mm256_slli_epi32(high, kLowBits), low);
    const __m256i sums = _mm256_add_epi32(_mm256_add_epi32(halves, _mm256_srli_epi64(halves, 32)), half);
    const __m256i rounded = _mm256_min_epi32(_mm256_srli_epi32(sums, kFractionBits), _mm256_set1_epi32(255));
    const __m128i stored = _mm_or_si128(_mm_shuffle_epi8(_mm256_castsi256_si128(rounded), red_green), _mm_shuffle_epi8(_mm256_extracti128_si256(rounded, 1), blue));
    const int pixel_out = _mm_cvtsi128_si32(stored);
    __builtin_memcpy(out, &pixel_out, sizeof pixel_out);
  }
}

// Sixteen bytes at a time.
void blend(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t bytes, uint8_t* out) {
  const __m256i half = _mm256_set1_epi32(1 << (kFractionBits - 1));
  for (size_t x = 0; x < bytes; x += 16) {
    __m256i low = half, high = half;
    for (uint32_t tap = 0; tap < taps; ++tap) {
      const __m128i row = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[tap] + x));
      const __m256i weight = _mm256_set1_epi32(weights[tap]);
      low = _mm256_add_epi32(low, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(row), weight));
      high = _mm256_add_epi32(high, _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128(row, 8)), weight));
    }
    const __m256i words = _mm256_packus_epi32(_mm256_srli_epi32(low, kFractionBits), _mm256_srli_epi32(high, kFractionBits));  // quarters 0 2 | 1 3
    const __m256i ordered = _mm256_permute4x64_epi64(words, 0b11011000);
    const __m128i rounded = _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + x), rounded);
  }
}

}  // namespace

const ResizeLoops& avx2_loops() {
  static const ResizeLoops loops{&shrink_rgb, plain_loops().shrink_grey, &blend};
  return loops;
}

}  // namespace trainhost::images
