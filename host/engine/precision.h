// Carries out a precision plan: process-wide switches of LibTorch, and the autocast region around a forward pass.
#pragma once
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <trainhost/precision_policy.h>

namespace trainhost {

/// What the plan means to the engine. Throws Error(kConfig) for a plan that the engine cannot carry out.
struct Precision {
  bool is_autocast = false;
  at::ScalarType compute = at::kFloat;
};
Precision check_plan(const trainhost_precision_plan& plan);

/// Whether the plan promises the bits of plain float32 (or float64): deterministic kernels, nothing of lower precision anywhere.
bool is_strict(const trainhost_precision_plan& plan);

/// Sets TF32 and determinism for the whole process, as the plan says.
void apply_switches(const trainhost_precision_plan& plan);

/// While it lives, operators that gain from it compute in `precision.compute`. Casts of weights are kept until forget_casts().
class AutocastRegion {
 public:
  AutocastRegion(const Precision& precision, at::Device device);
  ~AutocastRegion();
  AutocastRegion(const AutocastRegion&) = delete;
  AutocastRegion& operator=(const AutocastRegion&) = delete;

 private:
  at::DeviceType type_;
  bool was_enabled_;
  at::ScalarType previous_;
};

/// Must be called after weights have changed, and between passes with and without gradients: a cast made without has no way back to its weight.
void forget_casts();

}  // namespace trainhost
