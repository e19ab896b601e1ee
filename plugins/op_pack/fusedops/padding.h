// Rows that are longer in memory than the tensor says, with zeros behind: what passes between a padded product and the loss.
#pragma once
#include <ATen/core/Tensor.h>

namespace fusedops {

/// A product's operands begin on 16 bytes when rows are multiples of this many numbers of 16 bits.
constexpr int64_t kRowStep = 8;
constexpr int64_t padded(int64_t width) { return (width + kRowStep - 1) / kRowStep * kRowStep; }

/// [any] Says that all numbers of the tensor's memory behind its rows are zeros.
void note_zero_padded(const at::Tensor& rows);
/// `rows` [rows, width] as [rows, padded(width)] with zeros behind: the same memory where it was noted, else a copy.
at::Tensor zero_padded(const at::Tensor& rows);

}  // namespace fusedops
