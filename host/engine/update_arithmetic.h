// The arithmetic between a window's gradients and its update, the same for a CPU and, as one kernel, for a GPU. As tensor operators it would be some forty
// kernels of one number each, which small models wait for.
#pragma once
#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define TRAINHOST_EVERYWHERE __host__ __device__
#else
#define TRAINHOST_EVERYWHERE
#endif

namespace trainhost {

/// What does not change during a run.
struct UpdateRule {
  double clip_norm = 0;  // 0: no clipping
  bool moves_scale = false;
  double growth_factor = 2, backoff_factor = 0.5;
  float min_scale = 1, max_scale = 1;
  int32_t growth_interval = 2000;
};

/// A window's row: the facts of its update, then its sums.
struct UpdateRow {
  enum Column { kStep, kIsApplied, kGradientNorm, kLossScale, kLearningRate, kLossSum, kCount, kFirstMetric };
};

/// Memory of the device.
struct UpdateMemory {
  const double* sums = nullptr;  // loss sum, count, metric sums
  int64_t num_sums = 0;
  const float* norms = nullptr;  // 2-norms of the gradients
  int64_t num_norms = 0;
  const double* rates = nullptr;  // of step s at s modulo num_rates
  int64_t num_rates = 0;
  double unit = 1;  // what the gradients' power of two is taken back with

  int64_t* step = nullptr;
  float* loss_scale = nullptr;
  int32_t* growth_tracker = nullptr;

  float* step_inputs = nullptr;  // rate, multiplier, 1 = skip, number of the step
  bool* is_applied = nullptr;
  bool* is_finite = nullptr;
  double* row = nullptr;  // UpdateRow::kLossSum + num_sums numbers
};

/// Sets the optimizer's numbers and the facts of the row; changes no state. `scaled_norm`: over all gradients as they are.
TRAINHOST_EVERYWHERE inline void decide_update(const UpdateRule& rule, const UpdateMemory& memory, double scaled_norm) {
  constexpr double kClipEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_
  const double count = memory.sums[1], scale = *memory.loss_scale;
  const bool has_targets = count > 0;
  const bool is_finite = std::isfinite(scaled_norm + memory.sums[0]);
  const bool is_applied = is_finite && has_targets;
  const double unscale = memory.unit / ((has_targets ? count : 1.0) * scale);
  const double norm = scaled_norm * unscale;
  const double shrink = rule.clip_norm > 0 ? rule.clip_norm / (norm + kClipEpsilon) : 1.0;
  const double rate = memory.rates[*memory.step % memory.num_rates];

  memory.step_inputs[0] = static_cast<float>(rate);
  memory.step_inputs[1] = static_cast<float>((shrink > 1 ? 1.0 : shrink) * unscale);
  memory.step_inputs[2] = is_applied ? 0.0F : 1.0F;
  memory.step_inputs[3] = static_cast<float>(*memory.step + 1);
  *memory.is_applied = is_applied;
  *memory.is_finite = is_finite;
  memory.row[UpdateRow::kStep] = static_cast<double>(*memory.step + (is_applied ? 1 : 0));
  memory.row[UpdateRow::kIsApplied] = is_applied ? 1 : 0;
  memory.row[UpdateRow::kGradientNorm] = norm;
  memory.row[UpdateRow::kLossScale] = scale;
  memory.row[UpdateRow::kLearningRate] = rate;
}

/// The state machine of torch.amp.GradScaler: shrinks after a window that is not finite, grows after `growth_interval` windows without one.
TRAINHOST_EVERYWHERE inline void move_loss_scale(const UpdateRule& rule, bool is_finite, float& scale, int32_t& tracker) {
  if (!is_finite) {
    scale = static_cast<float>(scale * rule.backoff_factor);
    tracker = 0;
  } else if (++tracker == rule.growth_interval) {
    const auto grown = static_cast<float>(scale * rule.growth_factor);
    if (std::isfinite(grown)) scale = grown;
    tracker = 0;
  }
  scale = scale < rule.min_scale ? rule.min_scale : scale > rule.max_scale ? rule.max_scale : scale;
}

/// Behind the optimizer's step: counts it, moves the loss scale.
TRAINHOST_EVERYWHERE inline void conclude_update(const UpdateRule& rule, const UpdateMemory& memory) {
  *memory.step += *memory.is_applied ? 1 : 0;
  if (rule.moves_scale) move_loss_scale(rule, *memory.is_finite, *memory.loss_scale, *memory.growth_tracker);
}

}  // namespace trainhost
