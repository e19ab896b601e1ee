// The residual network: parameters, running statistics, forward pass.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <trainhost/torch/types.h>

namespace resnet {

namespace t2 = trainhost::t2;

struct Shape {
  int64_t depth = 18, channels = 3, classes = 0;
  bool has_small_stem = false;  // 3 x 3 without stride or pooling, for images of some tens of pixels
};

// He et al., Deep Residual Learning for Image Recognition, 2016; the stride of a bottleneck is in its 3 x 3 convolution. Names, order and initialisation as
// in torchvision.
class Network {
 public:
  // Draws the weights from a generator of its own on the CPU: the same on every device.
  void build(const Shape& shape, at::Device device, at::ScalarType type, uint64_t seed);

  std::vector<t2::Parameter>& parameters() { return parameters_; }
  std::vector<t2::NamedTensor>& buffers() { return buffers_; }

  // images [samples, channels, height, width] -> [samples, classes]. In training the statistics are those of the batch, and the running ones move.
  at::Tensor logits(const at::Tensor& images, bool is_training);

 private:
  class Builder;
  struct Norm {
    size_t weight = 0, mean = 0;  // the bias stands behind the weight; variance and count behind the mean
  };
  struct Convolution {
    size_t weight = 0;
    int64_t stride = 1, padding = 0;
    Norm norm;
  };
  struct Block {
    std::vector<Convolution> convolutions;  // two, or three in a bottleneck
    std::vector<Convolution> shortcut;      // none, or one
  };

  at::Tensor normalise(const at::Tensor& x, const Norm& norm, bool is_training);
  at::Tensor convolve(const at::Tensor& x, const Convolution& convolution, bool is_training);
  at::Tensor pass(const at::Tensor& x, const Block& block, bool is_training);
  void move_counts();

  Shape shape_;
  std::vector<t2::Parameter> parameters_;
  std::vector<t2::NamedTensor> buffers_;
  Convolution stem_;
  std::vector<Block> blocks_;
};

}  // namespace resnet
