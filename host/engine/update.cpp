// The arithmetic of an update in 0-dim device tensors.
#include "engine/update.h"

#include <cmath>

#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "engine/ranks.h"

namespace trainhost {
namespace {

constexpr double kClipEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_

/// 2-norm over all gradients, float64, 0-dim. Not finite when any element is not.
at::Tensor norm_of(at::TensorList gradients, at::Device device) {
  if (gradients.empty()) return at::zeros({}, at::TensorOptions(at::kDouble).device(device));
  return at::linalg_vector_norm(at::stack(at::_foreach_norm(gradients, 2)).to(at::kDouble), 2);
}

}  // namespace

Update::Update(const trainhost_precision_plan& plan, double clip_norm, at::Device device)
    : clip_norm_(clip_norm), loss_scale_(plan, device), step_(at::zeros({}, at::TensorOptions(at::kLong).device(device))) {}

at::Tensor Update::backward_seed(int exponent) const { return loss_scale_.value().mul(std::ldexp(1.0, -exponent)); }

Update::Outcome Update::run(const Window& window, const std::function<void(const t2::StepInputs&)>& step) {
  sum_over_ranks(window.sums);
  sum_over_ranks(window.gradients);
  const at::Tensor loss_sum = window.sums.select(0, 0), count = window.sums.select(0, 1);
  const at::Tensor scaled_norm = norm_of(window.gradients, step_.device());

  const at::Tensor has_targets = count.gt(0);
  const at::Tensor is_finite = at::isfinite(scaled_norm.add(loss_sum));
  const at::Tensor is_applied = is_finite.logical_and(has_targets);
  const at::Tensor scale = loss_scale_.value().to(at::kDouble, /*non_blocking=*/false, /*copy=*/true);
  const at::Tensor unscale = at::where(has_targets, count, 1.0).mul_(scale).reciprocal_().mul_(std::ldexp(1.0, window.exponent));
  const at::Tensor norm = scaled_norm.mul(unscale);
  const at::Tensor multiplier = clip_norm_ > 0 ? norm.add(kClipEpsilon).reciprocal_().mul_(clip_norm_).clamp_max_(1.0).mul_(unscale) : unscale;

  step({window.rate.to(at::kFloat), multiplier.to(at::kFloat), is_applied.logical_not().to(at::kFloat), step_.add(1).to(at::kFloat)});
  step_.add_(is_applied);
  const at::Tensor facts = at::stack({step_.to(at::kDouble), is_applied.to(at::kDouble), norm, scale, window.rate});
  loss_scale_.update(is_finite.logical_not().to(at::kFloat));
  return {is_applied, at::cat({facts, window.sums})};
}

}  // namespace trainhost
