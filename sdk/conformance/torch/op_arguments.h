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
  bool are_others_integers = false;
};
std::span<const Recipe> recipes();

// What varies between the draws of one recipe: optional tensors given or not, flags as they are or turned.
inline constexpr int kNumDraws = 3;

// Arguments on the device; nothing requires a gradient. `unknown` gets the name and type of an argument that cannot be made up.
std::optional<torch::jit::Stack> draw_arguments(const c10::FunctionSchema& schema, const Recipe& recipe, int draw, at::Device device, std::mt19937_64& random,
                                                std::string& unknown);

// Copies of all tensors; floating ones are leaves that require a gradient where it is asked for.
torch::jit::Stack fresh_copy(const torch::jit::Stack& arguments, bool with_gradients);

// Every tensor in there, also those in lists.
std::vector<at::Tensor> tensors_in(const torch::jit::Stack& values);

}  // namespace trainhost::conformance
