// The GPT-2 network: parameters, initialisation, forward pass.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <trainhost/torch/types.h>

namespace gpt {

namespace t2 = trainhost::t2;

inline constexpr double kNormEpsilon = 1e-5;

struct Shape {
  int64_t layers = 0, heads = 0, width = 0, context_length = 0, vocabulary = 0;
  double dropout = 0;
};

// Pre-norm transformer decoder with learned positions; the output layer shares its weight with the token embedding.
// Radford et al., Language Models are Unsupervised Multitask Learners, 2019; names and initialisation as in nanoGPT.
class Network {
 public:
  // Draws the weights from a generator of its own on the CPU: the same on every device. Without a seed they are left as they come.
  void build(const Shape& shape, at::Device device, at::ScalarType type, std::optional<uint64_t> seed);

  // In training, of each block only what goes into it is kept; the rest is computed again in the backward pass.
  void recompute_blocks() { recomputes_ = true; }
  bool recomputes() const { return recomputes_; }

  std::vector<t2::Parameter>& parameters() { return parameters_; }
  std::span<const t2::Parameter> parameters() const { return parameters_; }
  const Shape& shape() const { return shape_; }

  // tokens [batch, length], any integer type, length <= context_length -> [batch, length, width].
  at::Tensor hidden(const at::Tensor& tokens, bool is_training) const;
  // [..., width] -> [..., vocabulary]
  at::Tensor logits(const at::Tensor& hidden) const;

 private:
  // Offsets of a block's parameters; the blocks stand one behind another.
  enum Part { kNorm1Weight, kNorm1Bias, kAttentionWeight, kAttentionBias, kAttentionOutWeight, kAttentionOutBias, kNorm2Weight, kNorm2Bias, kUpWeight,
              kUpBias, kDownWeight, kDownBias, kPartsOfBlock };
  static constexpr size_t kTokenEmbedding = 0, kPositionEmbedding = 1, kFirstBlock = 2;

  using Weights = std::array<at::Tensor, kPartsOfBlock>;

  const at::Tensor& weight(size_t index) const { return parameters_[index].compute; }
  Weights weights_of(int64_t block) const;
  size_t final_norm() const { return kFirstBlock + static_cast<size_t>(shape_.layers) * kPartsOfBlock; }
  at::Tensor normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) const;
  at::Tensor block(at::Tensor x, const Weights& weights, bool is_training) const;
  at::Tensor block_again(const at::Tensor& x, const Weights& weights) const;  // in training, without its activations
  at::Tensor attention(const at::Tensor& x, const Weights& weights, bool is_training) const;
  at::Tensor feed_forward(const at::Tensor& x, const Weights& weights, bool is_training) const;

  Shape shape_;
  bool recomputes_ = false;
  std::vector<t2::Parameter> parameters_;
  at::Tensor positions_;  // 0, 1, ..., context_length - 1
};

}  // namespace gpt
