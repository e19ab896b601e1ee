// Mixed precision: operators that gain from it compute in bf16 or fp16, parameters stay float32, fp16 gets a scaled loss.
#include <trainhost/plugin.hpp>

namespace {

using trainhost::DeviceFacts;
using trainhost::PluginError;
using trainhost::PrecisionPlan;

struct Config {
  std::string dtype = "auto";
  double initial_scale = 65536.0;  // these four are the constants of torch.amp.GradScaler
  double growth_factor = 2.0;
  double backoff_factor = 0.5;
  std::uint64_t growth_interval = 2000;
};

class Amp final : public trainhost::PrecisionPolicy {
 public:
  explicit Amp(Config config) : config_(std::move(config)) {}

  PrecisionPlan plan(const DeviceFacts& device, PrecisionPlan plan) override {
    const std::string dtype = config_.dtype == "auto" ? choose(device) : config_.dtype;
    if (config_.dtype != "auto") check(device);
    plan.parameter = plan.master = plan.gradient = trainhost::kFloat32;
    plan.compute = dtype == "bf16" ? trainhost::kBFloat16 : dtype == "fp16" ? trainhost::kFloat16 : trainhost::kFloat32;
    plan.flags = dtype == "fp32" ? 0 : TRAINHOST_PRECISION_AUTOCAST;
    plan.scale_mode = dtype == "fp16" ? TRAINHOST_SCALE_DEVICE : TRAINHOST_SCALE_NONE;  // bf16 has the range of float32
    plan.initial_scale = config_.initial_scale;
    plan.growth_factor = config_.growth_factor;
    plan.backoff_factor = config_.backoff_factor;
    plan.growth_interval = static_cast<std::uint32_t>(config_.growth_interval);
    return plan;
  }

 private:
  // What pays on this device.
  std::string choose(const DeviceFacts& device) const {
    if (device.is_cuda() && device.capability >= 80) return "bf16";
    if (device.is_cuda() && device.capability >= 70) return "fp16";
    if (device.is_cuda())
      throw PluginError(TRAINHOST_FAILED_PRECONDITION, trainhost::format(
          "amp: {} has compute capability {}, reduced precision pays from 7.0 on; use the policy fp32", device.name, version(device)));
    if (device.is_cpu() && (device.capability & TRAINHOST_CPU_BF16)) return "bf16";
    host().log_info("dtype auto: this CPU has no bf16 units (AVX512-BF16 or AMX), so that fp32 is faster; computing in fp32");
    return "fp32";
  }

  // What was asked for by name is refused where the device cannot do it, and only remarked on where it is slow.
  void check(const DeviceFacts& device) const {
    const bool is_bf16 = config_.dtype == "bf16";
    if (device.is_cuda() && is_bf16 && device.capability < 80) refuse(device, "bf16 needs compute capability 8.0", "dtype = \"fp16\"");
    if (device.is_cuda() && !is_bf16 && device.capability < 53) refuse(device, "fp16 needs compute capability 5.3", "the policy fp32");
    if (device.is_cuda() && !is_bf16 && device.capability < 70)
      host().log_warning("fp16 on compute capability {} has no matrix units for it; fp32 may be faster", version(device));
    if (device.is_cpu() && is_bf16 && !(device.capability & TRAINHOST_CPU_BF16))
      host().log_warning("bf16 on a CPU without bf16 units is emulated and many times slower than fp32; dtype = \"auto\" would compute in fp32");
    if (device.is_cpu() && !is_bf16 && !(device.capability & TRAINHOST_CPU_FP16))
      refuse(device, "fp16 needs a CPU with fp16 units (AVX512-FP16)", "dtype = \"auto\"");
  }

  [[noreturn]] void refuse(const DeviceFacts& device, std::string_view reason, std::string_view remedy) const {
    throw PluginError(TRAINHOST_FAILED_PRECONDITION, trainhost::format("amp.dtype is {}, but {}, and {} has {}; use {}", config_.dtype, reason, device.name,
                                                                       device.is_cpu() ? "none" : version(device), remedy));
  }

  static std::string version(const DeviceFacts& device) { return trainhost::format("{}.{}", device.capability / 10, device.capability % 10); }

  Config config_;
};

}  // namespace

TRAINHOST_PLUGIN(Amp, {
  .kind = "precision_policy",
  .name = "amp",
  .version = "1.0.0",
  .summary = "mixed precision: bf16 or fp16 where it pays, float32 parameters, loss scaling for fp16",
  .schema = trainhost::schema<Config>()
                .key("dtype", &Config::dtype, "format of matrix products; auto: what pays on this device", trainhost::one_of("auto", "bf16", "fp16"))
                .key("initial_scale", &Config::initial_scale, "first loss scale (fp16)", trainhost::greater_than(0))
                .key("growth_factor", &Config::growth_factor, "the scale times this after growth_interval good windows (fp16)", trainhost::at_least(1))
                .key("backoff_factor", &Config::backoff_factor, "the scale times this after a window that overflowed (fp16)", trainhost::greater_than(0),
                     trainhost::less_than(1))
                .key("growth_interval", &Config::growth_interval, "good windows between growths (fp16)", trainhost::at_least(1), trainhost::at_most(4294967295)),
})
