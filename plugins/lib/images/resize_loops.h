// The inner loops of resizing, which are compiled for several instruction sets. Integers only, so that all give the same bytes.
#pragma once
#include <cstddef>
#include <cstdint>

namespace trainhost::images {

inline constexpr int kFractionBits = 22;    // of weights
inline constexpr size_t kStoredPixel = 4;   // bytes of a pixel between the two directions, whatever its channels
inline constexpr size_t kRowPadding = 16;   // bytes behind a row that may be read, and of stored rows also written

/// One direction's weights, as the loops take them; all for `count` pixels of `taps` source pixels each.
struct LoopWeights {
  const uint32_t* first;   // first source pixel
  const int32_t* values;   // taps a pixel
  const int16_t* packed;   // the same, four taps a group, the last filled up with zeroes: their values >> kLowBits, then what that leaves
  uint32_t taps;
  size_t count;
};
inline constexpr int kLowBits = 11;
inline constexpr uint32_t kGroupTaps = 4;
constexpr uint32_t num_groups(uint32_t taps) { return (taps + kGroupTaps - 1) / kGroupTaps; }

struct ResizeLoops {
  /// Stored pixels out of source pixels of 3 or 1 bytes.
  void (*shrink_rgb)(const uint8_t* source, const LoopWeights& weights, uint8_t* out);
  void (*shrink_grey)(const uint8_t* source, const LoopWeights& weights, uint8_t* out);
  /// Each of `bytes` bytes out of the bytes at the same place of `taps` rows.
  void (*blend)(const uint8_t* const* rows, const int32_t* weights, uint32_t taps, size_t bytes, uint8_t* out);
};

/// For any processor that the program runs on.
const ResizeLoops& plain_loops();
/// For x86 with AVX2.
const ResizeLoops& avx2_loops();
/// The fastest that this processor has.
const ResizeLoops& best_loops();

}  // namespace trainhost::images
