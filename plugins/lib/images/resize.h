// Bilinear resizing with antialiasing: the numbers of Pillow's BILINEAR, which torchvision's transforms use on images.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

namespace trainhost::images {

/// What one axis of the result is made of. Positions are in pixels of the source, before it was reduced.
struct AxisPlan {
  uint32_t begin = 0, size = 0;           // the source's pixels that count; beyond them nothing is looked at
  uint32_t full = 0;                      // pixels that `size` becomes
  uint32_t first = 0, count = 0;          // of these the ones that are wanted
};

/// For each wanted pixel the first source pixel that counts, and weights in 22-bit fractions, `taps` a pixel, zero where fewer count.
struct Weights {
  uint32_t taps = 0;
  std::vector<uint32_t> first;   // counted from the first source pixel that is read
  std::vector<int32_t> values;
  uint32_t read_begin = 0, read_count = 0;  // source pixels that are read, after the reduction
};

/// The triangle filter, as wide as the axis shrinks. `reduction`: the source has been reduced by it.
Weights bilinear_weights(const AxisPlan& plan, uint32_t reduction);

/// Resizes rows as they come. `next_row` gives the source rows vertical.read_begin .. of the columns horizontal.read_begin .., channels interleaved;
/// `take_row(y, planes)` gets the rows of the result, each channel behind the other.
/// Both directions round to 8 bits, horizontal first. Holds as many rows as one result needs.
class Resizer {
 public:
  void run(const Weights& vertical, const Weights& horizontal, uint32_t channels, const std::function<const uint8_t*()>& next_row,
           const std::function<void(uint32_t, const uint8_t*)>& take_row);

 private:
  std::vector<uint8_t> rows_, result_;
  std::vector<int32_t> sums_;
};

}  // namespace trainhost::images
