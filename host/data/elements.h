// Elements of sample tensors as bytes: sizes, padding, class checks.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <trainhost/types.h>

namespace trainhost {

/// 0 for formats that do not fill whole bytes.
size_t element_bytes(trainhost_dtype dtype);

uint64_t num_elements(std::span<const int64_t> shape);

/// `value` as one element; nullopt when the format cannot hold it exactly. 16-bit and 8-bit floats take 0 only.
std::optional<std::array<std::byte, 8>> encode_element(trainhost_dtype dtype, double value);

/// Copies a dense tensor into the low corner of a dense, larger or equal one of the same rank, and fills the rest with `pad`.
void copy_padded(const std::byte* from, std::span<const int64_t> from_shape, std::byte* to, std::span<const int64_t> to_shape, std::span<const std::byte> pad);

/// The first element of an integer tensor that is neither in [0, num_classes) nor one of `others`, as its index and value.
struct Stray {
  uint64_t index;
  int64_t value;
};
std::optional<Stray> find_stray(trainhost_dtype dtype, const std::byte* data, uint64_t count, int64_t num_classes, std::span<const double> others);

}  // namespace trainhost
