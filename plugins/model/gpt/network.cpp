// Builds and runs the GPT-2 network with plain ATen operators.
#include "network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include <trainhost/format.hpp>
#include <trainhost/torch/recompute.h>

namespace gpt {
namespace {

constexpr double kInitialDeviation = 0.02;  // nanoGPT, as GPT-2

// Adds parameters in the order in which they draw their random numbers.
class Builder {
 public:
  Builder(at::Device device, at::ScalarType type, std::optional<uint64_t> seed)
      : options_(at::TensorOptions(type).device(device)), is_drawn_(seed.has_value()), generator_(at::detail::createCPUGenerator(seed.value_or(0))) {}

  void random(std::string name, at::IntArrayRef sizes, double deviation, uint32_t tags) {
    if (!is_drawn_) return add(std::move(name), at::empty(sizes, options_), tags);
    const at::Tensor values = at::empty(sizes, at::TensorOptions(at::kFloat)).normal_(0, deviation, generator_);
    add(std::move(name), values.to(options_), tags);
  }
  void norm(const std::string& name, int64_t width) {
    add(name + ".weight", at::ones({width}, options_), t2::kNorm);
    add(name + ".bias", at::zeros({width}, options_), t2::kNorm | t2::kBias);
  }
  void linear(const std::string& name, int64_t outputs, int64_t inputs, double deviation) {
    random(name + ".weight", {outputs, inputs}, deviation, t2::kDecay);
    add(name + ".bias", at::zeros({outputs}, options_), t2::kBias);
  }
  std::vector<t2::Parameter> take() { return std::move(parameters_); }

 private:
  void add(std::string name, at::Tensor tensor, uint32_t tags) { parameters_.push_back({std::move(name), std::move(tensor), {}, true, tags}); }

  at::TensorOptions options_;
  bool is_drawn_;
  at::Generator generator_;
  std::vector<t2::Parameter> parameters_;
};

}  // namespace

void Network::build(const Shape& shape, at::Device device, at::ScalarType type, std::optional<uint64_t> seed) {
  shape_ = shape;
  // Each block adds two terms to the residual stream: the scale keeps its variance from growing with depth.
  const double residual_deviation = kInitialDeviation / std::sqrt(2.0 * static_cast<double>(shape.layers));
  Builder builder(device, type, seed);
  builder.random("transformer.wte.weight", {shape.vocabulary, shape.width}, kInitialDeviation, t2::kDecay | t2::kEmbedding | t2::kHead);
  builder.random("transformer.wpe.weight", {shape.context_length, shape.width}, kInitialDeviation, t2::kDecay | t2::kEmbedding);
  for (int64_t block = 0; block < shape.layers; ++block) {
    const std::string name = trainhost::format("transformer.h.{}.", block);
    builder.norm(name + "ln_1", shape.width);
    builder.linear(name + "attn.c_attn", 3 * shape.width, shape.width, kInitialDeviation);
    builder.linear(name + "attn.c_proj", shape.width, shape.width, residual_deviation);
    builder.norm(name + "ln_2", shape.width);
    builder.linear(name + "mlp.c_fc", 4 * shape.width, shape.width, kInitialDeviation);
    builder.linear(name + "mlp.c_proj", shape.width, 4 * shape.width, residual_deviation);
  }
  builder.norm("transformer.ln_f", shape.width);
  parameters_ = builder.take();
  positions_ = at::arange(shape.context_length, at::TensorOptions(at::kLong).device(device));
}

at::Tensor Network::hidden(const at::Tensor& tokens, bool is_training) const {
  const at::Tensor positions = at::embedding(weight(kPositionEmbedding), positions_.narrow(0, 0, tokens.size(1)));
  at::Tensor x = at::dropout(at::embedding(weight(kTokenEmbedding), tokens.to(at::kLong)).add(positions), shape_.dropout, is_training);
  for (int64_t i = 0; i < shape_.layers; ++i) x = recomputes_ && is_training ? block_again(x, weights_of(i)) : block(x, weights_of(i), is_training);
  return normalise(x, weight(final_norm()), weight(final_norm() + 1));
}

at::Tensor Network::block(at::Tensor x, const Weights& weights, bool is_training) const {
  x = x.add(attention(normalise(x, weights[kNorm1Weight], weights[kNorm1Bias]), weights, is_training));
  return x.add(feed_forward(normalise(x, weights[kNorm2Weight], weights[kNorm2Bias]), weights, is_training));
}

at::Tensor Network::block_again(const at::Tensor& x, const Weights& weights) const {
  t2::Tensors inputs(weights.begin(), weights.end());
  inputs.push_back(x);
  const auto from_inputs = [this](const t2::Tensors& in) {
    Weights own;
    std::copy_n(in.begin(), kPartsOfBlock, own.begin());
    return t2::Tensors{block(in.back(), own, /*is_training=*/true)};
  };
  return t2::recomputed(from_inputs, inputs, /*draws=*/shape_.dropout > 0)[0];
}

Network::Weights Network::weights_of(int64_t block) const {
  Weights weights;
  for (size_t part = 0; part < kPartsOfBlock; ++part) weights[part] = weight(kFirstBlock + static_cast<size_t>(block) * kPartsOfBlock + part);
  return weights;
}

at::Tensor Network::logits(const at::Tensor& hidden) const { return at::linear(hidden, weight(kTokenEmbedding)); }

at::Tensor Network::normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const {
  return at::layer_norm(x, {shape_.width}, weight, bias, kNormEpsilon);
}

at::Tensor Network::attention(const at::Tensor& x, const Weights& weights, bool is_training) const {
  const int64_t batch = x.size(0), length = x.size(1);
  const auto parts = at::linear(x, weights[kAttentionWeight], weights[kAttentionBias]).split(shape_.width, 2);
  const auto heads = [&](const at::Tensor& part) { return part.view({batch, length, shape_.heads, shape_.width / shape_.heads}).transpose(1, 2); };
  const at::Tensor mixed = at::scaled_dot_product_attention(heads(parts[0]), heads(parts[1]), heads(parts[2]), /*attn_mask=*/{},
                                                            is_training ? shape_.dropout : 0.0, /*is_causal=*/true);
  const at::Tensor joined = mixed.transpose(1, 2).reshape({batch, length, shape_.width});
  return at::dropout(at::linear(joined, weights[kAttentionOutWeight], weights[kAttentionOutBias]), shape_.dropout, is_training);
}

at::Tensor Network::feed_forward(const at::Tensor& x, const Weights& weights, bool is_training) const {
  const at::Tensor up = at::gelu(at::linear(x, weights[kUpWeight], weights[kUpBias]), "tanh");
  return at::dropout(at::linear(up, weights[kDownWeight], weights[kDownBias]), shape_.dropout, is_training);
}

}  // namespace gpt
