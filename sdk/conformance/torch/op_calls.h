// What is asked of op packs comes down to calls of operators: with arguments that ATen takes, before and while a pack's kernels stand at the dispatcher.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>

#include "conformance/torch/op_arguments.h"
#include "trainhost/torch/op_pack.h"

namespace trainhost::conformance {

using Replacements = std::span<const t2::OpReplacement>;

std::string op_of(const t2::OpReplacement& replacement);    // "aten::gelu.out"
std::string text_of(const t2::OpReplacement& replacement);  // "aten::gelu.out on CPU"

Replacements replacements_of(const Specimen& plugin);
c10::OperatorHandle operator_of(const t2::OpReplacement& replacement);

// Kernels at the dispatcher, registered together, as the engine does it: they may need each other.
class Registered {
 public:
  explicit Registered(Replacements replacements);
  ~Registered();
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;

  // How often the dispatcher has called the kernel.
  std::uint64_t calls(std::size_t index) const { return calls_[index]; }
  void add(const t2::OpReplacement& replacement, c10::KernelFunction kernel, std::optional<c10::impl::CppSignature> signature);

 private:
  std::vector<std::uint64_t> calls_;
  std::vector<c10::RegistrationHandleRAII> handles_;
};

// What came of one call.
struct Result {
  std::vector<at::Tensor> values, gradients;
  bool has_gradient = false;
};
bool same_bits(const Result& a, const Result& b);
bool is_finite(const Result& result);

// How an operator is called.
struct Call {
  std::string text;  // "matrices of one shape"
  torch::jit::Stack arguments;
  at::Device device = at::kCPU;
  bool with_gradients = false, with_autocast = false;
  bool is_random = false;  // another seed gives other numbers
  Result own;              // what ATen's own kernels gave
};

// A call with copies of the arguments, after every generator has been set to the seed.
Result run(const c10::OperatorHandle& op, const Call& call, std::uint64_t seed = 1);

// A replacement with the calls that reach it, or why there are none.
struct Driven {
  const t2::OpReplacement* replacement;
  std::size_t index;
  c10::OperatorHandle op;
  std::vector<Call> calls;
  std::string obstacle;
};
// To be asked before the kernels are registered.
std::vector<Driven> driven(Replacements replacements, const Subject& subject);
// At the end of a question: what could not be asked makes it a skip.
void skip_where_obstructed(const std::vector<Driven>& all);

// Fails the question where the pack's result is not ATen's. `place` begins the words.
void compare(const t2::OpReplacement& replacement, const Call& call, const Result& got, const std::string& place);

}  // namespace trainhost::conformance
