// Looking for values that are not finite, by the exponent bits alone. Compiled so that the inner loop becomes one over vectors (CMakeLists.txt).
#include <array>
#include <atomic>
#include <cstring>

#include <trainhost/format.hpp>

#include "checkpoint/parallel.h"
#include "checkpoint/safetensors.h"

namespace trainhost {
namespace {

struct FloatFormat {
  std::string_view dtype;
  unsigned bytes;
  uint64_t exponent, mantissa;
};

constexpr std::array<FloatFormat, 4> kFormats{{{"F64", 8, 0x7ff0000000000000, 0x000fffffffffffff}, {"F32", 4, 0x7f800000, 0x007fffff}, {"F16", 2, 0x7c00, 0x03ff}, {"BF16", 2, 0x7f80, 0x007f}}};

const FloatFormat* format_of(const TensorView& tensor) {
  const auto found = std::find_if(kFormats.begin(), kFormats.end(), [&](const FloatFormat& floats) { return floats.dtype == tensor.dtype; });
  return found == kFormats.end() ? nullptr : &*found;
}

template <class Word>
Word word_at(const std::byte* data, uint64_t index) {
  Word word;
  std::memcpy(&word, data + index * sizeof(Word), sizeof word);
  return word;
}

constexpr uint64_t kBlock = 4096;

template <class Word>
bool has_non_finite(const std::byte* block, Word exponent) {
  Word found = 0;
  for (uint64_t i = 0; i < kBlock; ++i) found |= static_cast<Word>((word_at<Word>(block, i) & exponent) == exponent);
  return found != 0;
}

/// Index of the first element from `begin` on whose exponent is all ones, else `end`. Whole blocks are only summed up; the place is looked for in the one that has it.
template <class Word>
uint64_t find_non_finite(const std::byte* data, uint64_t begin, uint64_t end, Word exponent) {
  for (; begin < end; begin += kBlock) {
    const uint64_t block_end = std::min(end, begin + kBlock);
    if (block_end - begin == kBlock && !has_non_finite(data + begin * sizeof(Word), exponent)) continue;
    for (uint64_t i = begin; i < block_end; ++i)
      if ((word_at<Word>(data, i) & exponent) == exponent) return i;
  }
  return end;
}

uint64_t find_non_finite(const TensorView& tensor, const FloatFormat& floats, uint64_t begin, uint64_t end) {
  if (floats.bytes == 8) return find_non_finite<uint64_t>(tensor.data, begin, end, floats.exponent);
  if (floats.bytes == 4) return find_non_finite<uint32_t>(tensor.data, begin, end, static_cast<uint32_t>(floats.exponent));
  return find_non_finite<uint16_t>(tensor.data, begin, end, static_cast<uint16_t>(floats.exponent));
}

bool is_nan(const TensorView& tensor, const FloatFormat& floats, uint64_t index) {
  uint64_t word = 0;  // of a little-endian machine, as the file is
  std::memcpy(&word, tensor.data + index * floats.bytes, floats.bytes);
  return (word & floats.mantissa) != 0;
}

/// Elements of one tensor.
struct Piece {
  const TensorView* tensor;
  const FloatFormat* floats;
  uint64_t begin, end;
};

std::vector<Piece> cut(std::span<const TensorView> tensors) {
  constexpr uint64_t kElements = uint64_t{1} << 20;
  std::vector<Piece> pieces;
  for (const TensorView& tensor : tensors) {
    const FloatFormat* floats = format_of(tensor);
    const uint64_t count = floats ? tensor.bytes / floats->bytes : 0;
    for (uint64_t begin = 0; begin < count; begin += kElements) pieces.push_back({&tensor, floats, begin, std::min(count, begin + kElements)});
  }
  return pieces;
}

}  // namespace

std::string first_non_finite(std::span<const TensorView> tensors, unsigned num_threads) {
  const std::vector<Piece> pieces = cut(tensors);
  std::atomic<uint64_t> first{pieces.size()};
  run_parallel(pieces.size(), num_threads, [&](uint64_t index, unsigned) {
    const Piece& piece = pieces[index];
    if (index > first || find_non_finite(*piece.tensor, *piece.floats, piece.begin, piece.end) == piece.end) return;
    for (uint64_t known = first; index < known && !first.compare_exchange_weak(known, index);) {}
  });
  if (first == pieces.size()) return {};
  const Piece& piece = pieces[first];
  const uint64_t index = find_non_finite(*piece.tensor, *piece.floats, piece.begin, piece.end);
  return format("tensor {}, element {} is {}", piece.tensor->name, index, is_nan(*piece.tensor, *piece.floats, index) ? "nan" : "inf");
}

}  // namespace trainhost
