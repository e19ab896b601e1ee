// Bilinear resizing with antialiasing: the numbers of Pillow's BILINEAR, which torchvision's transforms use on images.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "images/resize_loops.h"

namespace trainhost::images {

/// What one axis of the result is made of. Positions are in pixels of the source, before it was reduced.
struct AxisPlan {
  uint32_t begin = 0, size = 0;           // the source's pixels that count; beyond them nothing is looked at
  uint32_t full = 0;                      // pixels that `size` becomes
  uint32_t first = 0, count = 0;          // of these the ones that are wanted
};

/// For each wanted pixel the first source pixel that counts, and weights in fractions of kFractionBits, `taps` a pixel, zero where fewer count.
struct Weights {
  bool is_copy = false;          // each pixel is one source pixel
  uint32_t taps = 0;
  std::vector<uint32_t> first;   // counted from the first source pixel that is read
  std::vector<int32_t> values;
  std::vector<int16_t> packed;   // see LoopWeights
  uint32_t read_begin = 0, read_count = 0;  // source pixels that are read, after the reduction

  LoopWeights for_loops() const { return {first.data(), values.data(), packed.data(), taps, first.size()}; }
};

/// The triangle filter, as wide as the axis shrinks. `reduction`: the source has been reduced by it.
Weights bilinear_weights(const AxisPlan& plan, uint32_t reduction);

/// Resizes rows as they come. `next_row` gives the source rows vertical.read_begin .. of the columns horizontal.read_begin .., channels interleaved, with
/// kRowPadding bytes behind them that may be read; `take_row(y, row, step)` gets the rows of the result, whose pixels are `step` bytes apart.
/// Both directions round to 8 bits, horizontal first. Holds as many rows as one result needs.
class Resizer {
 public:
  using NextRow = std::function<const uint8_t*()>;
  using TakeRow = std::function<void(uint32_t y, const uint8_t* row, size_t step)>;
  void run(const Weights& vertical, const Weights& horizontal, uint32_t channels, const NextRow& next_row, const TakeRow& take_row);

 private:
  std::vector<uint8_t> rows_, result_;
  std::vector<const uint8_t*> read_;
};

}  // namespace trainhost::images
