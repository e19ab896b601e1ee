// Arithmetic on numbers of a program: sizes and what is computed from them, as Python computes it.
#pragma once

#include <ATen/core/stack.h>

#include <optional>
#include <string_view>

namespace pt2 {

// Takes its operands from the top of the stack, where the result is put.
using ScalarOp = void (*)(torch::jit::Stack&);

struct FoundScalarOp {
  ScalarOp run;
  size_t num_operands;
};

// "_operator.add", "torch.sym_float", "math.trunc", ...
std::optional<FoundScalarOp> find_scalar_op(std::string_view target);

}  // namespace pt2
