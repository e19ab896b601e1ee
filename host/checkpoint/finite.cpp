// Looking for values that are not finite, by the exponent bits alone, so that the loops vectorise.
#include <bit>
#include <cstring>

#include <trainhost/format.hpp>

#include "checkpoint/safetensors.h"

namespace trainhost {
namespace {

template <class Word>
struct FloatFormat {
  std::string_view dtype;
  Word exponent, mantissa;
};

template <class Word>
Word word_at(const std::byte* data, uint64_t index) {
  Word word;
  std::memcpy(&word, data + index * sizeof(Word), sizeof word);
  return word;
}

/// Index of the first element whose exponent is all ones, else `count`. Blocks are only summed up; the place is looked for in the one that has it.
template <class Word>
uint64_t find_non_finite(const std::byte* data, uint64_t count, Word exponent) {
  constexpr uint64_t kBlock = 4096;
  for (uint64_t begin = 0; begin < count; begin += kBlock) {
    const uint64_t end = std::min(count, begin + kBlock);
    bool is_found = false;
    for (uint64_t i = begin; i < end; ++i) is_found |= (word_at<Word>(data, i) & exponent) == exponent;
    if (!is_found) continue;
    for (uint64_t i = begin; i < end; ++i)
      if ((word_at<Word>(data, i) & exponent) == exponent) return i;
  }
  return count;
}

template <class Word>
std::string describe(const TensorView& tensor, const FloatFormat<Word>& floats) {
  if (tensor.dtype != floats.dtype) return {};
  const uint64_t count = tensor.bytes / sizeof(Word), index = find_non_finite(tensor.data, count, floats.exponent);
  if (index == count) return {};
  const bool is_nan = (word_at<Word>(tensor.data, index) & floats.mantissa) != 0;
  return format("tensor {}, element {} is {}", tensor.name, index, is_nan ? "nan" : "inf");
}

}  // namespace

std::string first_non_finite(std::span<const TensorView> tensors) {
  static constexpr FloatFormat<uint64_t> f64{"F64", 0x7ff0000000000000, 0x000fffffffffffff};
  static constexpr FloatFormat<uint32_t> f32{"F32", 0x7f800000, 0x007fffff};
  static constexpr FloatFormat<uint16_t> f16{"F16", 0x7c00, 0x03ff}, bf16{"BF16", 0x7f80, 0x007f};
  for (const TensorView& tensor : tensors) {
    for (const std::string& found : {describe(tensor, f64), describe(tensor, f32), describe(tensor, f16), describe(tensor, bf16)})
      if (!found.empty()) return found;
  }
  return {};
}

}  // namespace trainhost
