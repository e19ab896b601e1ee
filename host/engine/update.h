// The end of a window, wholly on the device: finite gate, mean, norm, clipping, the optimizer's step, the counters.
#pragma once
#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

#include <trainhost/torch/optimizer.h>

#include "engine/loss_scale.h"

namespace trainhost {

class Update {
 public:
  /// clip_norm 0: no clipping.
  Update(const trainhost_precision_plan& plan, double clip_norm, at::Device device);

  /// What backward() of a loss sum starts from: scale * 2^-exponent. A power of two, so that it changes no digit of any gradient.
  at::Tensor backward_seed(int exponent) const;

  struct Window {
    at::Tensor sums;  // float64: loss sum, count, metric sums; over all micro-batches and ranks
    at::TensorList gradients;
    int exponent;
    at::Tensor rate;  // float64, 0-dim
  };
  struct Outcome {
    at::Tensor is_applied;  // bool, 0-dim
    at::Tensor row;         // float64: the columns below, then the window's sums
  };
  enum Column { kStep, kIsApplied, kGradientNorm, kLossScale, kLearningRate, kLossSum, kCount, kFirstMetric };
  /// Skips when the loss or any gradient is not finite, or nothing counted. `step` calls the optimizer. No host wait.
  Outcome run(const Window& window, const std::function<void(const t2::StepInputs&)>& step);

  at::Tensor& step() { return step_; }  // int64, 0-dim: applied updates
  LossScale& loss_scale() { return loss_scale_; }

 private:
  double clip_norm_;
  LossScale loss_scale_;
  at::Tensor step_;
};

}  // namespace trainhost
