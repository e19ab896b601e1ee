// Process-wide numeric switches and autocast.
#include "engine/precision.h"

#include <cstdlib>

#include <ATen/Context.h>

#include "base/error.h"
#include "engine/torch_types.h"

// From ATen/autocast_mode.h, which costs 11 s to include (measured).
namespace at::autocast {
TORCH_API bool is_autocast_enabled(at::DeviceType device_type);
TORCH_API void set_autocast_enabled(at::DeviceType device_type, bool enabled);
TORCH_API at::ScalarType get_autocast_dtype(at::DeviceType device_type);
TORCH_API void set_autocast_dtype(at::DeviceType device_type, at::ScalarType dtype);
TORCH_API void clear_cache();
}  // namespace at::autocast

namespace trainhost {
namespace {

bool has(const trainhost_precision_plan& plan, uint32_t flag) { return (plan.flags & flag) != 0; }

Error cannot(const std::string& what, const std::string& remedy) {
  return Error(ExitCode::kConfig, format("precision plan: {}; {}", what, remedy));
}

}  // namespace

Precision check_plan(const trainhost_precision_plan& plan) {
  const at::ScalarType compute = scalar_type_of(plan.compute), parameter = scalar_type_of(plan.parameter);
  const at::ScalarType master = scalar_type_of(plan.master), gradient = scalar_type_of(plan.gradient);
  if (has(plan, TRAINHOST_PRECISION_LOW_PARAMETERS) || parameter != master)
    throw cannot(format("wants weights in {} with masters in {}; this engine keeps one copy", c10::toString(parameter), c10::toString(master)),
                 "use a policy without LOW_PARAMETERS, such as amp");
  if (parameter != at::kFloat && parameter != at::kDouble)
    throw cannot(format("got parameters in {}, wanted float32 or float64", c10::toString(parameter)), "use a policy that autocasts, such as amp");
  if (gradient != parameter)
    throw cannot(format("got gradients in {} beside parameters in {}, wanted one format", c10::toString(gradient), c10::toString(parameter)), "make them equal");
  const bool is_autocast = has(plan, TRAINHOST_PRECISION_AUTOCAST);
  if (!is_autocast && compute != parameter)
    throw cannot(format("computes in {} on parameters in {} without autocast", c10::toString(compute), c10::toString(parameter)), "set the AUTOCAST flag");
  if (is_autocast && compute != at::kBFloat16 && compute != at::kHalf)
    throw cannot(format("got autocast to {}, wanted bfloat16 or float16", c10::toString(compute)), "leave out the AUTOCAST flag");
  return {is_autocast, compute};
}

bool is_strict(const trainhost_precision_plan& plan) {
  return has(plan, TRAINHOST_PRECISION_DETERMINISTIC) && !has(plan, TRAINHOST_PRECISION_ALLOW_TF32) && !has(plan, TRAINHOST_PRECISION_AUTOCAST) &&
         !has(plan, TRAINHOST_PRECISION_LOW_PARAMETERS);
}

void apply_switches(const trainhost_precision_plan& plan) {
  const bool is_deterministic = has(plan, TRAINHOST_PRECISION_DETERMINISTIC);
  // cuBLAS reads this when its first handle is made; without it, matmuls on several streams may differ from run to run.
  if (is_deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  at::Context& context = at::globalContext();
  context.setDeterministicAlgorithms(is_deterministic, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);  // no operator of ours reads memory before writing it
  context.setDeterministicCuDNN(is_deterministic);
  context.setBenchmarkCuDNN(!is_deterministic);
  context.setAllowTF32CuBLAS(has(plan, TRAINHOST_PRECISION_ALLOW_TF32));
  context.setAllowTF32CuDNN(has(plan, TRAINHOST_PRECISION_ALLOW_TF32));
}

AutocastRegion::AutocastRegion(const Precision& precision, at::Device device)
    : type_(device.type()), was_enabled_(at::autocast::is_autocast_enabled(type_)), previous_(at::autocast::get_autocast_dtype(type_)) {
  at::autocast::set_autocast_enabled(type_, precision.is_autocast);
  if (precision.is_autocast) at::autocast::set_autocast_dtype(type_, precision.compute);
}

AutocastRegion::~AutocastRegion() {
  at::autocast::set_autocast_enabled(type_, was_enabled_);
  at::autocast::set_autocast_dtype(type_, previous_);
}

void forget_casts() { at::autocast::clear_cache(); }

}  // namespace trainhost
