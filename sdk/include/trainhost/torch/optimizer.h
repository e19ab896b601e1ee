// Optimizers: the update of the parameters from their gradients.
#pragma once

#include <span>

#include "trainhost/torch/capture_aware.h"
#include "trainhost/torch/types.h"

namespace trainhost::t2 {

// Parameters with common settings, formed by the engine. weight_decay: the value that [optimizer.groups.<label>] says, else Optimizer::weight_decay() for
// parameters tagged kDecay, else 0. The parameters outlive the optimizer's use.
struct ParameterGroup {
  std::vector<Parameter*> parameters;
  double rate_multiplier = 1.0;
  double weight_decay = 0.0;
};

// The numbers of one update, 0-dim tensors on the device; nothing is read on the CPU. learning_rate is the base rate times the schedule's factor (a group
// multiplies it by rate_multiplier). Gradients are to be multiplied by gradient_multiplier, which unscales, averages and clips in one. found_non_finite
// is float32, 1 when the window must be skipped. step is float32: the number of this update, from 1, when it is applied.
struct StepInputs {
  at::Tensor learning_rate, gradient_multiplier, found_non_finite, step;
};

// Interface "trainhost.torch.optimizer/1": a pointer to Optimizer.
class Optimizer : public Plugin {
 public:
  static constexpr std::string_view kKind = "optimizer";
  static constexpr const char* kInterface = "trainhost.torch.optimizer/1";

  // The base learning rate and weight decay of the plugin's own config: the engine forms the rate table and the groups from them. [any]
  virtual double learning_rate() const = 0;
  virtual double weight_decay() const { return 0.0; }

  // Allocates its slots (zero, on the device of each master). Once, before the first step and before a checkpoint is loaded into state().
  virtual void attach(std::span<ParameterGroup>) = 0;

  // Slots as "<parameter>.<slot>", saved as optimizer.<parameter>.<slot>; stable order. Loading copies into these very tensors.
  virtual std::span<NamedTensor> state() = 0;

  // Whether step also writes Parameter::compute where it is not the master. Else the engine casts after the step.
  virtual bool writes_compute_copy() const { return false; }

  // Updates the masters from their .grad. Capturable; leaves parameters and slots exactly as they were when found_non_finite is 1.
  virtual void step(const StepInputs&) = 0;

  const void* interface(std::string_view id) override {
    if (id == kInterface) return static_cast<Optimizer*>(this);
    if (id == CaptureAware::kInterface) return dynamic_cast<CaptureAware*>(this);
    return nullptr;
  }
};

}  // namespace trainhost::t2
