// The loss scale and its state machine, on the device.
#pragma once
#include <ATen/core/Tensor.h>

#include <trainhost/precision_policy.h>

namespace trainhost {

class LossScale {
 public:
  LossScale(const trainhost_precision_plan& plan, at::Device device);

  const at::Tensor& value() const { return scale_; }            // float32, 0-dim
  at::Tensor& growth_tracker() { return growth_tracker_; }      // int32, 0-dim: windows without overflow since the last change
  /// Once a window: halves (backoff_factor) when `found_non_finite` (float32) is 1, else counts towards the next growth. No host wait.
  void update(const at::Tensor& found_non_finite);

 private:
  trainhost_precision_plan plan_;
  at::Tensor scale_, growth_tracker_;
};

}  // namespace trainhost
