// Named tensors as plain bytes: how the engine hands state to the checkpoint room and takes it back.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace trainhost {

/// A dense, row-major tensor in host memory. `dtype` is the safetensors name: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
struct TensorView {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;
  uint64_t bytes = 0;
};

}  // namespace trainhost
