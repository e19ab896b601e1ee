// The end of a window, wholly on the device: finite gate, mean, norm, clipping, the optimizer's step, the counters.
#pragma once
#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

#include <trainhost/precision_policy.h>
#include <trainhost/torch/optimizer.h>

#include "engine/update_arithmetic.h"

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
    at::Tensor rates;  // float64: the rate of step s at s modulo its size
  };
  struct Outcome {
    at::Tensor is_applied;  // bool, 0-dim
    at::Tensor row;         // float64, see UpdateRow
  };
  /// Skips when the loss or any gradient is not finite, or nothing counted. `step` calls the optimizer. No host wait.
  Outcome run(const Window& window, const std::function<void(const t2::StepInputs&)>& step);

  at::Tensor& step() { return step_; }                      // int64, 0-dim: applied updates
  at::Tensor& loss_scale() { return loss_scale_; }          // float32, 0-dim
  at::Tensor& growth_tracker() { return growth_tracker_; }  // int32, 0-dim: windows without overflow since the scale changed last

 private:
  UpdateRule rule_;
  at::Tensor step_, loss_scale_, growth_tracker_;
  at::Tensor step_inputs_, verdicts_;  // always the same memory, which recordings write to
};

}  // namespace trainhost
