// The loss scale's state machine on ATen's own kernel.
#include "engine/loss_scale.h"

#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace trainhost {

LossScale::LossScale(const trainhost_precision_plan& plan, at::Device device) : plan_(plan) {
  const double initial = plan.scale_mode == TRAINHOST_SCALE_DEVICE ? plan.initial_scale : 1.0;
  scale_ = at::full({}, initial, at::TensorOptions(at::kFloat).device(device));
  growth_tracker_ = at::zeros({}, at::TensorOptions(at::kInt).device(device));
}

void LossScale::update(const at::Tensor& found_non_finite) {
  if (plan_.scale_mode != TRAINHOST_SCALE_DEVICE) return;
  at::_amp_update_scale_(scale_, growth_tracker_, found_non_finite, plan_.growth_factor, plan_.backoff_factor, plan_.growth_interval);
  scale_.clamp_(plan_.min_scale, plan_.max_scale);
}

}  // namespace trainhost
