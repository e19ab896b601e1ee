// The words that models and optimizers share: parameters, named tensors, batches. C++20, exact LibTorch build.
//
// Tensors are on the run's device. "Named" things are saved in checkpoints under their name. Everything is called from the training thread unless a
// comment says otherwise, and a throw ends the run with the message.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "trainhost/cpp/base.hpp"
#include "trainhost/cpp/field.hpp"

namespace trainhost::t2 {

// What a parameter is to the optimizer; the engine forms parameter groups by it.
enum ParameterTag : std::uint32_t { kDecay = 1, kNorm = 2, kBias = 4, kEmbedding = 8, kHead = 16 };

// A trained tensor. Tied weights are one entry. `compute` is what forward uses; `master` is what the optimizer updates and checkpoints hold: a model
// leaves it undefined, the engine fills it in when a policy wants low-precision copies.
struct Parameter {
  std::string name;
  at::Tensor compute, master;
  bool is_trainable = true;
  std::uint32_t tags = 0;
};

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

// A micro-batch: one tensor a field, the first axis is the sample.
struct Batch {
  std::vector<NamedTensor> fields;
  std::uint64_t num_samples = 0;
};

// What a forward pass yields, 0-dim tensors: the loss summed over the targets that count, in float32, or in float64 where the model was built for it, and
// their number; the same for metrics, which the engine divides by count over all micro-batches and ranks. Training and evaluation may have different
// metrics, each the same ones every time. No host synchronisation: nothing of this is read on the CPU here.
struct Output {
  at::Tensor loss_sum, count;
  std::vector<NamedTensor> metric_sums;
};

enum class Mode { kTrain, kEvaluate };

}  // namespace trainhost::t2
