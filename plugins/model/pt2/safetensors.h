// Tensors of a safetensors file, as views of its bytes. The file is not trusted.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace at { class Tensor; }

namespace pt2 {

struct StoredTensor {
  at::ScalarType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // row-major
};

// By name. `place` is for messages. Throws PluginError.
std::map<std::string, StoredTensor> read_safetensors(std::span<const std::byte> file, const std::string& place);

// A CPU tensor of its own memory.
at::Tensor copied(const StoredTensor& stored);

}  // namespace pt2
