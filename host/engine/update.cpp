// Brings the tensors of a window to the arithmetic of its update.
#include "engine/update.h"

#include <algorithm>
#include <cmath>

#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include "engine/ranks.h"
#include "engine/update_kernels.h"

namespace trainhost {
namespace {

UpdateRule rule_of(const trainhost_precision_plan& plan, double clip_norm) {
  UpdateRule rule;
  rule.clip_norm = clip_norm;
  rule.moves_scale = plan.scale_mode == TRAINHOST_SCALE_DEVICE;
  if (!rule.moves_scale) return rule;
  rule.growth_factor = plan.growth_factor;
  rule.backoff_factor = plan.backoff_factor;
  rule.growth_interval = static_cast<int32_t>(plan.growth_interval);
  rule.min_scale = static_cast<float>(plan.min_scale);
  rule.max_scale = static_cast<float>(plan.max_scale);
  return rule;
}

/// The 2-norm of each, float32. Not finite when any element is not.
at::Tensor norms_of(at::TensorList gradients, at::Device device) {
  if (gradients.empty()) return at::zeros({0}, at::TensorOptions(at::kFloat).device(device));
  return at::stack(at::_foreach_norm(gradients, 2)).to(at::kFloat);
}

void decide_update_on_cpu(const UpdateRule& rule, const UpdateMemory& memory) {
  double squares = 0;
  for (int64_t i = 0; i < memory.num_norms; ++i) squares += static_cast<double>(memory.norms[i]) * memory.norms[i];
  decide_update(rule, memory, std::sqrt(squares));
  std::copy_n(memory.sums, memory.num_sums, memory.row + UpdateRow::kLossSum);
}

}  // namespace

Update::Update(const trainhost_precision_plan& plan, double clip_norm, at::Device device) : rule_(rule_of(plan, clip_norm)) {
  const auto on_device = [&](at::ScalarType type) { return at::TensorOptions(type).device(device); };
  step_ = at::zeros({}, on_device(at::kLong));
  loss_scale_ = at::full({}, rule_.moves_scale ? plan.initial_scale : 1.0, on_device(at::kFloat));
  growth_tracker_ = at::zeros({}, on_device(at::kInt));
  step_inputs_ = at::zeros({4}, on_device(at::kFloat));
  verdicts_ = at::zeros({2}, on_device(at::kBool));
}

at::Tensor Update::backward_seed(int exponent) const { return loss_scale_.mul(std::ldexp(1.0, -exponent)); }

Update::Outcome Update::run(const Window& window, const std::function<void(const t2::StepInputs&)>& step) {
  sum_over_ranks(window.sums);
  sum_over_ranks(window.gradients);
  const at::Tensor norms = norms_of(window.gradients, step_.device());
  const at::Tensor row = at::empty({UpdateRow::kLossSum + window.sums.numel()}, window.sums.options());
  UpdateMemory memory;
  memory.sums = window.sums.const_data_ptr<double>(), memory.num_sums = window.sums.numel();
  memory.norms = norms.const_data_ptr<float>(), memory.num_norms = norms.numel();
  memory.rates = window.rates.const_data_ptr<double>(), memory.num_rates = window.rates.numel();
  memory.unit = std::ldexp(1.0, window.exponent);
  memory.step = step_.mutable_data_ptr<int64_t>();
  memory.loss_scale = loss_scale_.mutable_data_ptr<float>();
  memory.growth_tracker = growth_tracker_.mutable_data_ptr<int32_t>();
  memory.step_inputs = step_inputs_.mutable_data_ptr<float>();
  memory.is_applied = verdicts_.mutable_data_ptr<bool>(), memory.is_finite = memory.is_applied + 1;
  memory.row = row.mutable_data_ptr<double>();

  const bool is_on_cpu = step_.device().is_cpu();
  (is_on_cpu ? decide_update_on_cpu : decide_update_on_gpu)(rule_, memory);
  step({step_inputs_.select(0, 0), step_inputs_.select(0, 1), step_inputs_.select(0, 2), step_inputs_.select(0, 3)});
  is_on_cpu ? conclude_update(rule_, memory) : conclude_update_on_gpu(rule_, memory);
  return {verdicts_.select(0, 0), row};
}

}  // namespace trainhost
