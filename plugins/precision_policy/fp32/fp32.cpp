// float32 everywhere, TF32 off, deterministic kernels only: two runs of the same config are bit-identical.
#include <trainhost/plugin.hpp>

namespace {

class Fp32 final : public trainhost::PrecisionPolicy {
 public:
  trainhost::PrecisionPlan plan(const trainhost::DeviceFacts&, trainhost::PrecisionPlan plan) override {
    plan.flags = TRAINHOST_PRECISION_DETERMINISTIC;
    plan.compute = plan.parameter = plan.master = plan.gradient = trainhost::kFloat32;
    plan.scale_mode = TRAINHOST_SCALE_NONE;
    return plan;
  }
};

}  // namespace

TRAINHOST_PLUGIN(Fp32, {
  .kind = "precision_policy",
  .name = "fp32",
  .version = "1.0.0",
  .summary = "float32 everywhere with deterministic kernels: runs repeat bit for bit",
})
