// Builds and runs the residual network with plain ATen operators.
#include "network.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <cmath>

#include <trainhost/cpp/error.hpp>

namespace resnet {
namespace {

constexpr double kMomentum = 0.1, kEpsilon = 1e-5;
constexpr int64_t kStages = 4, kFirstWidth = 64;

std::array<int64_t, kStages> blocks_of(int64_t depth) {
  if (depth == 18) return {2, 2, 2, 2};
  return {3, 4, 6, 3};  // 34, and 50 with bottlenecks
}

}  // namespace

// Adds parameters and buffers in torchvision's order, which is the order in which they draw their random numbers.
class Network::Builder {
 public:
  Builder(Network& network, at::Device device, at::ScalarType type, uint64_t seed)
      : network_(network), options_(at::TensorOptions(type).device(device)), generator_(at::detail::createCPUGenerator(seed)) {}

  Convolution convolution(const std::string& name, const std::string& norm_name, int64_t inputs, int64_t outputs, int64_t kernel, int64_t stride) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(outputs * kernel * kernel));  // Kaiming, fan out
    const at::Tensor weight = at::empty({outputs, inputs, kernel, kernel}, at::kFloat).normal_(0, deviation, generator_);
    const size_t index = parameter(name + ".weight", weight, t2::kDecay);
    return {index, stride, kernel / 2, norm(norm_name, outputs)};
  }

  // As torch.nn.Linear: uniform within 1 / sqrt(inputs).
  void head(int64_t inputs, int64_t outputs) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(inputs));
    parameter("fc.weight", at::empty({outputs, inputs}, at::kFloat).uniform_(-bound, bound, generator_), t2::kDecay | t2::kHead);
    parameter("fc.bias", at::empty({outputs}, at::kFloat).uniform_(-bound, bound, generator_), t2::kBias);
  }

 private:
  size_t parameter(std::string name, const at::Tensor& values, uint32_t tags) {
    network_.parameters_.push_back({std::move(name), values.to(options_), {}, true, tags});
    return network_.parameters_.size() - 1;
  }
  Norm norm(const std::string& name, int64_t width) {
    const Norm norm{parameter(name + ".weight", at::ones({width}), t2::kNorm), network_.buffers_.size()};
    parameter(name + ".bias", at::zeros({width}), t2::kNorm | t2::kBias);
    network_.buffers_.push_back({name + ".running_mean", at::zeros({width}, options_)});
    network_.buffers_.push_back({name + ".running_var", at::ones({width}, options_)});
    network_.buffers_.push_back({name + ".num_batches_tracked", at::zeros({}, options_.dtype(at::kLong))});
    return norm;
  }

  Network& network_;
  at::TensorOptions options_;
  at::Generator generator_;
};

void Network::build(const Shape& shape, at::Device device, at::ScalarType type, uint64_t seed) {
  shape_ = shape;
  const bool is_bottleneck = shape.depth >= 50;
  const int64_t expansion = is_bottleneck ? 4 : 1;
  Builder builder(*this, device, type, seed);
  stem_ = shape.has_small_stem ? builder.convolution("conv1", "bn1", shape.channels, kFirstWidth, 3, 1) : builder.convolution("conv1", "bn1", shape.channels, kFirstWidth, 7, 2);
  int64_t inputs = kFirstWidth;
  const auto counts = blocks_of(shape.depth);
  for (size_t stage = 0; stage < kStages; ++stage)
    for (int64_t index = 0; index < counts[stage]; ++index) {
      const int64_t width = kFirstWidth << stage, outputs = width * expansion, stride = stage > 0 && index == 0 ? 2 : 1;
      const std::string name = trainhost::format("layer{}.{}.", stage + 1, index);
      Block block;
      if (is_bottleneck) {
        block.convolutions.push_back(builder.convolution(name + "conv1", name + "bn1", inputs, width, 1, 1));
        block.convolutions.push_back(builder.convolution(name + "conv2", name + "bn2", width, width, 3, stride));
        block.convolutions.push_back(builder.convolution(name + "conv3", name + "bn3", width, outputs, 1, 1));
      } else {
        block.convolutions.push_back(builder.convolution(name + "conv1", name + "bn1", inputs, width, 3, stride));
        block.convolutions.push_back(builder.convolution(name + "conv2", name + "bn2", width, width, 3, 1));
      }
      if (stride != 1 || inputs != outputs) block.shortcut.push_back(builder.convolution(name + "downsample.0", name + "downsample.1", inputs, outputs, 1, stride));
      blocks_.push_back(std::move(block));
      inputs = outputs;
    }
  builder.head(inputs, shape.classes);
}

at::Tensor Network::logits(const at::Tensor& images, bool is_training) {
  at::Tensor x = at::relu(convolve(images, stem_, is_training));
  if (!shape_.has_small_stem) x = at::max_pool2d(x, 3, 2, 1);
  for (const Block& block : blocks_) x = pass(x, block, is_training);
  if (is_training) move_counts();
  const size_t head = parameters_.size() - 2;
  return at::linear(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1), parameters_[head].compute, parameters_[head + 1].compute);
}

at::Tensor Network::normalise(const at::Tensor& x, const Norm& norm, bool is_training) {
  if (is_training && x.size(0) * x.size(2) * x.size(3) < 2)
    throw trainhost::PluginError(TRAINHOST_INVALID_ARGUMENT, trainhost::format("resnet: a micro-batch of {} sample(s) of {} x {} in the last layers has no variance to normalise by; take larger "
                                                                               "micro-batches or images, or stem = \"small\"",
                                                                               x.size(0), x.size(2), x.size(3)));
  return at::batch_norm(x, parameters_[norm.weight].compute, parameters_[norm.weight + 1].compute, buffers_[norm.mean].tensor, buffers_[norm.mean + 1].tensor, is_training, kMomentum,
                        kEpsilon, /*cudnn_enabled=*/true);
}

at::Tensor Network::convolve(const at::Tensor& x, const Convolution& convolution, bool is_training) {
  const std::array<int64_t, 2> stride{convolution.stride, convolution.stride}, padding{convolution.padding, convolution.padding};
  return normalise(at::conv2d(x, parameters_[convolution.weight].compute, /*bias=*/{}, stride, padding), convolution.norm, is_training);
}

at::Tensor Network::pass(const at::Tensor& x, const Block& block, bool is_training) {
  at::Tensor y = x;
  for (size_t i = 0; i < block.convolutions.size(); ++i) {
    y = convolve(y, block.convolutions[i], is_training);
    if (i + 1 < block.convolutions.size()) y = at::relu(y);
  }
  return at::relu(y.add(block.shortcut.empty() ? x : convolve(x, block.shortcut.front(), is_training)));
}

// Nothing is computed from them; files of other programs have them.
void Network::move_counts() {
  const at::NoGradGuard no_gradients;
  for (size_t i = 2; i < buffers_.size(); i += 3) buffers_[i].tensor.add_(1);
}

}  // namespace resnet
