// LibTorch's number formats as the kernels name them.
#pragma once
#include <optional>

#include <c10/core/ScalarType.h>

#include "kernels.h"

namespace fusedops {

/// Nothing for those that no kernel takes.
inline std::optional<Format> format_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat: return Format::kFloat32;
    case at::kHalf: return Format::kFloat16;
    case at::kBFloat16: return Format::kBFloat16;
    default: return std::nullopt;
  }
}

}  // namespace fusedops
