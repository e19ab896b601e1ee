// Arguments for an operator that nobody has told anything about: drawn from its schema, by recipes for the shapes of its tensors.
#pragma once

#include <ATen/core/stack.h>

#include <optional>
#include <string>

#include "conformance/torch/torch_subject.h"

namespace c10 {
struct FunctionSchema;
}

namespace trainhost::conformance {

using Sizes = std::vector<std::int64_t>;

// Shapes of the first tensor, of those that go by bias or running mean, and of all others.
struct Recipe {
  const char* text;
  Sizes first, vectors, others;
  bool are_others_integers = false, are_probabilities = false;  // the second: of all tensors, between 0 and 1
};
std::span<const Recipe> recipes();

// What varies between the draws of one recipe: optional tensors, words and generators given or not, flags as they are or turned, and which of the words that
// operators have under this name.
inline constexpr int kNumDraws = 6;

// Arguments on the device; nothing requires a gradient. `unknown` gets the name and type of an argument that cannot be made up.
std::optional<torch::jit::Stack> draw_arguments(const c10::FunctionSchema& schema, const Recipe& recipe, int draw, at::Device device, std::mt19937_64& random,
                                                std::string& unknown);

// Copies of all tensors and generators; floating tensors are leaves that require a gradient where it is asked for, generators are set to the seed.
torch::jit::Stack fresh_copy(const torch::jit::Stack& arguments, bool with_gradients, std::uint64_t seed);

// Every tensor in there, also those in lists.
std::vector<at::Tensor> tensors_in(const torch::jit::Stack& values);

}  // namespace trainhost::conformance
