// What differs between the tensors of two checkpoints.
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_view.h"

namespace trainhost {

struct TensorDifference {
  enum class Kind { kAdded, kRemoved, kRetyped, kChanged };  // retyped: another dtype or shape
  std::string name;
  Kind kind = Kind::kChanged;
  std::optional<TensorView> before, after;  // views of the inputs
  // Of the difference, element by element, for kChanged; NaN where the dtype is no number that is known here.
  double norm = std::numeric_limits<double>::quiet_NaN();           // its 2-norm
  double relative_norm = std::numeric_limits<double>::quiet_NaN();  // over the 2-norm of `before`; infinite where that is 0
  double largest = std::numeric_limits<double>::quiet_NaN();        // absolute
};

/// Sorted by name; tensors with equal bytes are left out.
std::vector<TensorDifference> tensor_differences(std::span<const TensorView> before, std::span<const TensorView> after);

/// "F32 [768, 768]"
std::string type_text(const TensorView& tensor);

}  // namespace trainhost
