// bf16 where the device has units for it, float32 elsewhere.
//
// A policy plans and the host carries out: it owns the masters, the casts, the gradients and the loss scale. A policy is asked once, before the model is
// built. What the hardware cannot do is refused; what is merely slow is planned, and said in the log.
#include <trainhost/plugin.hpp>

namespace {

struct Config {
  bool deterministic = false;
};

class MyPlugin final : public trainhost::PrecisionPolicy {
 public:
  explicit MyPlugin(Config config) : config_(config) {}

  // `plan` comes in as the host's default: float32 everywhere, nobody scales the loss. bf16 has the range of float32 and needs no scale; fp16 wants
  // plan.scale_mode = TRAINHOST_SCALE_DEVICE.
  trainhost::PrecisionPlan plan(const trainhost::DeviceFacts& device, trainhost::PrecisionPlan plan) override {
    if (config_.deterministic) plan.flags |= TRAINHOST_PRECISION_DETERMINISTIC;
    if (!has_bf16_units(device)) {
      host().log_info("{} has no units for bf16; computing in float32", device.name);
      return plan;
    }
    plan.flags |= TRAINHOST_PRECISION_AUTOCAST;  // parameters stay float32; operators that gain from it compute in plan.compute
    plan.compute = trainhost::kBFloat16;
    return plan;
  }

 private:
  // capability: 10 * major + minor on CUDA, bits on a CPU.
  static bool has_bf16_units(const trainhost::DeviceFacts& device) {
    return device.is_cuda() ? device.capability >= 80 : device.is_cpu() && (device.capability & TRAINHOST_CPU_BF16) != 0;
  }

  Config config_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "precision_policy",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "bf16 where the device has units for it, float32 elsewhere",
  .schema = trainhost::schema<Config>().key("deterministic", &Config::deterministic, "only kernels that give the same bits each time"),
})
