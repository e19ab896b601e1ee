// A block of a model whose activations are computed again in the backward pass. Costs 10 s to include: do that in one file.
#pragma once

#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

// From ATen/autocast_mode.h, which costs 11 s to include.
namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device_type);
TORCH_API void set_autocast_enabled(at::DeviceType device_type, bool enabled);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType device_type);
TORCH_API void set_autocast_dtype(at::DeviceType device_type, at::ScalarType dtype);
TORCH_API bool is_autocast_cache_enabled();
TORCH_API void set_autocast_cache_enabled(bool enabled);
TORCH_API void clear_cache();
}  // namespace at::autocast

namespace trainhost::t2 {

using Tensors = std::vector<at::Tensor>;
using Block = std::function<Tensors(const Tensors& inputs)>;

namespace recompute_detail {

// The thread's autocast settings of one moment.
class Autocast {
 public:
  Autocast() {
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      is_enabled_[i] = at::autocast::is_autocast_enabled(kTypes[i]);
      dtype_[i] = at::autocast::get_autocast_dtype(kTypes[i]);
    }
  }

  void put_back() const {
    for (std::size_t i = 0; i < kTypes.size(); ++i) {
      at::autocast::set_autocast_enabled(kTypes[i], is_enabled_[i]);
      at::autocast::set_autocast_dtype(kTypes[i], dtype_[i]);
    }
    at::autocast::set_autocast_cache_enabled(keeps_casts_);
  }

 private:
  static constexpr std::array<at::DeviceType, 2> kTypes = {at::kCPU, at::kCUDA};
  std::array<bool, 2> is_enabled_{};
  std::array<at::ScalarType, 2> dtype_{};
  bool keeps_casts_ = at::autocast::is_autocast_cache_enabled();
};

// The states of the default generators that a block on these tensors may draw from.
class Generators {
 public:
  explicit Generators(const Tensors& inputs) {
    add(at::Device(at::kCPU));
    const auto on_gpu = std::find_if(inputs.begin(), inputs.end(), [](const at::Tensor& input) { return input.defined() && input.is_cuda(); });
    if (on_gpu != inputs.end()) add(on_gpu->device());
  }

  void put_back() {
    for (auto& [generator, state] : states_) {
      const std::lock_guard lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void add(at::Device device) {
    at::Generator generator = at::globalContext().defaultGenerator(device);
    const std::lock_guard lock(generator.mutex());
    at::Tensor state = generator.get_state();
    states_.emplace_back(generator, std::move(state));
  }

  std::vector<std::pair<at::Generator, at::Tensor>> states_;
};

// The moment of the forward pass, for the life of this object.
class Then {
 public:
  Then(const Autocast& autocast, Generators* generators, const Tensors& inputs) {
    autocast.put_back();
    if (!generators) return;
    generators_ = std::make_unique<Generators>(inputs);
    generators->put_back();
  }
  ~Then() {
    at::autocast::clear_cache();  // it holds casts of tensors that are about to go
    autocast_.put_back();
    if (generators_) generators_->put_back();
  }
  Then(const Then&) = delete;
  Then& operator=(const Then&) = delete;

 private:
  Autocast autocast_;
  std::unique_ptr<Generators> generators_;
};

// The block in the graph of gradients. Holds what went in; computes it again when its gradients are asked for.
class BlockNode final : public torch::autograd::Node {
 public:
  BlockNode(Block block, const Tensors& inputs, bool draws) : block_(std::move(block)) {
    if (draws) generators_ = std::make_unique<Generators>(inputs);
    for (const at::Tensor& input : inputs) inputs_.emplace_back(input, /*is_output=*/false);
    set_next_edges(torch::autograd::collect_next_edges(inputs));
  }

  Tensors first_call(const Tensors& inputs) { return block_(inputs); }

  // The output as one of this node.
  at::Tensor adopt(const at::Tensor& output, std::size_t index) {
    at::Tensor own = output.detach();
    torch::autograd::set_history(own, shared_from_this());
    outputs_.push_back(index);
    return own;
  }

  std::string name() const override { return "trainhost::t2::recomputed"; }

  void release_variables() override {
    const std::lock_guard lock(mutex_);
    for (torch::autograd::SavedVariable& input : inputs_) input.reset_data();
  }

  Tensors apply(Tensors&& gradients) override {
    TORCH_CHECK(!c10::GradMode::is_enabled(), "a block that is computed again has no gradients of gradients");
    const Tensors leaves = fresh_inputs();
    const Tensors outputs = computed_again(leaves);
    Tensors roots, seeds, wanted;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (!gradients[i].defined()) continue;
      roots.push_back(outputs.at(outputs_[i]));
      seeds.push_back(gradients[i]);
    }
    Tensors found(leaves.size());
    if (roots.empty()) return found;
    const auto is_wanted = [&](std::size_t i) { return leaves[i].defined() && leaves[i].requires_grad() && task_should_compute_output(i); };
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (is_wanted(i)) wanted.push_back(leaves[i]);
    Tensors computed = torch::autograd::grad(roots, wanted, seeds, /*retain_graph=*/std::nullopt, /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t i = 0, next = 0; i < leaves.size(); ++i)
      if (is_wanted(i)) found[i] = std::move(computed[next++]);
    return found;
  }

 private:
  // The same memory, without a history.
  Tensors fresh_inputs() {
    const std::lock_guard lock(mutex_);
    Tensors leaves;
    for (const torch::autograd::SavedVariable& input : inputs_) {
      const at::Tensor tensor = input.unpack();
      leaves.push_back(tensor.defined() ? tensor.detach().requires_grad_(tensor.requires_grad()) : tensor);
    }
    return leaves;
  }

  Tensors computed_again(const Tensors& leaves) {
    const Then then(autocast_, generators_.get(), leaves);
    const c10::AutoGradMode with_gradients(true);
    return block_(leaves);
  }

  Block block_;
  std::vector<torch::autograd::SavedVariable> inputs_;
  std::vector<std::size_t> outputs_;  // of the block, those that have gradients
  Autocast autocast_;
  std::unique_ptr<Generators> generators_;
};

// Throws when gradients flow from the outputs to something that is not among the inputs: nobody would compute them.
inline void require_closed(const Tensors& outputs, const Tensors& inputs) {
  std::unordered_set<const torch::autograd::Node*> seen;
  std::vector<const torch::autograd::Node*> left;
  for (const at::Tensor& input : inputs)
    if (input.defined() && input.requires_grad()) seen.insert(torch::autograd::impl::gradient_edge(input).function.get());
  for (const at::Tensor& output : outputs)
    if (output.defined() && output.requires_grad()) left.push_back(torch::autograd::impl::gradient_edge(output).function.get());
  while (!left.empty()) {
    const torch::autograd::Node* node = left.back();
    left.pop_back();
    if (!seen.insert(node).second) continue;
    bool is_leaf = true;
    for (const torch::autograd::Edge& edge : node->next_edges()) {
      if (!edge.is_valid()) continue;
      is_leaf = false;
      left.push_back(edge.function.get());
    }
    TORCH_CHECK(!is_leaf, "a block that is computed again uses a tensor with a gradient that is not among its inputs; pass every parameter as an input");
  }
}

}  // namespace recompute_detail

// What the block gives, without its activations: only the inputs are kept, and the backward pass calls the block once more, under the autocast settings of
// now and, if `draws`, from the states that the generators have now. So losses and gradients have the same bits.
//
// `inputs`: every tensor whose gradient counts, parameters too; c10::Error for another one that the block uses. The block changes none of them. What it
// changes beside them, such as running means, it changes in its first call only. It lives as long as the graph of gradients. A block that draws cannot be
// captured in a CUDA graph. Without gradients, or on inputs that need none, the block is simply called.
inline Tensors recomputed(Block block, const Tensors& inputs, bool draws = true) {
  const bool needs_gradients = std::any_of(inputs.begin(), inputs.end(), [](const at::Tensor& input) { return input.defined() && input.requires_grad(); });
  if (!c10::GradMode::is_enabled() || !needs_gradients) return block(inputs);
  const std::shared_ptr<recompute_detail::BlockNode> node(new recompute_detail::BlockNode(std::move(block), inputs, draws), torch::autograd::deleteNode);
  Tensors outputs = node->first_call(inputs);  // with gradients, so that operators choose the kernels that they choose without this function
  recompute_detail::require_closed(outputs, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].defined() && outputs[i].requires_grad()) outputs[i] = node->adopt(outputs[i], i);
  return outputs;
}

}  // namespace trainhost::t2
