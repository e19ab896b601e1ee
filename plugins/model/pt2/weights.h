// Parameters and buffers of a bundle as tensors on the run's device; both programs share them.
#pragma once

#include <trainhost/torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "bundle.h"

namespace pt2 {

namespace t2 = trainhost::t2;

struct Weights {
  std::vector<t2::Parameter> parameters;
  std::vector<t2::NamedTensor> mutated;     // buffers that the train program changes
  std::vector<t2::NamedTensor> unchanged;   // all others
  std::map<std::string, size_t> parameter_index;  // also under tied names
  std::map<std::string, at::Tensor> buffers;      // also under tied names
};

// Values come from the bundle, or are drawn by its rules with `seed`. Throws PluginError for values that do not fit the manifest, and
// c10::OutOfMemoryError before any of it is made when the machine cannot hold it.
Weights load_weights(Bundle& bundle, at::Device device, uint64_t seed);

// Tensors that one program holds as constants, by name.
std::map<std::string, at::Tensor> load_constants(Bundle& bundle, const std::string& mode, at::Device device);

// Bytes of all parameters and buffers.
uint64_t weight_bytes(const Manifest& manifest);

}  // namespace pt2
