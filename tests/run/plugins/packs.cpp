// Op packs for tests: `counting` and `rival` replace aten::gelu by the same function times a factor, and say at the end how often they were called.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>
#include <string>

#include <trainhost/torch/op_pack.h>
#include <trainhost/plugin.hpp>

namespace {

namespace t2 = trainhost::t2;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Config {
  std::string op = "aten::gelu";
  std::string overload;
  std::string key = "AutogradCPU";
  double factor = 1;
  bool bit_exact = true;
};

// Kept by the pack: a kernel that is called after the pack is gone writes into freed memory.
struct Calls {
  std::uint64_t forward = 0, backward = 0;
};

struct ScaledGelu : torch::autograd::Function<ScaledGelu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& self, const std::string& approximate, double factor, Calls* calls) {
    ++calls->forward;
    context->save_for_backward({self});
    context->saved_data["approximate"] = approximate;
    context->saved_data["factor"] = factor;
    context->saved_data["calls"] = reinterpret_cast<std::int64_t>(calls);
    const at::AutoDispatchBelowADInplaceOrView below;
    const at::Tensor result = at::gelu(self, approximate);
    return factor == 1 ? result : result.mul(factor);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    ++reinterpret_cast<Calls*>(context->saved_data["calls"].toInt())->backward;
    const double factor = context->saved_data["factor"].toDouble();
    const at::Tensor gradient = at::gelu_backward(gradients[0], context->get_saved_variables()[0], context->saved_data["approximate"].toStringRef());
    return {factor == 1 ? gradient : gradient.mul(factor), {}, {}, {}};
  }
};

struct Kernel final : c10::OperatorKernel {
  Kernel(double wanted, Calls* counter) : factor(wanted), calls(counter) {}
  at::Tensor operator()(const at::Tensor& self, c10::string_view approximate) { return ScaledGelu::apply(self, std::string(approximate), factor, calls); }
  double factor;
  Calls* calls;
};

template <int>
class Pack final : public t2::OpPack {
 public:
  explicit Pack(Config config) : config_(std::move(config)) {}

  void start() override {
    replacements_.push_back({config_.op, config_.overload, config_.key,
                             c10::KernelFunction::makeFromUnboxedFunctor<false, Kernel>(std::make_unique<Kernel>(config_.factor, &calls_)), config_.bit_exact,
                             c10::impl::CppSignature::make<at::Tensor(const at::Tensor&, c10::string_view)>()});
  }
  void stop() override { host().log_info("called {} times forward, {} times backward", calls_.forward, calls_.backward); }

  std::span<const t2::OpReplacement> replacements() override { return replacements_; }

 private:
  Config config_;
  Calls calls_;
  std::vector<t2::OpReplacement> replacements_;
};

using Counting = Pack<0>;
using Rival = Pack<1>;

constexpr auto kSchema = trainhost::schema<Config>()
                             .key("op", &Config::op, "operator that is replaced")
                             .key("overload", &Config::overload, "its overload")
                             .key("key", &Config::key, "dispatch key")
                             .key("factor", &Config::factor, "the result times this")
                             .key("bit_exact", &Config::bit_exact, "what the pack claims");

}  // namespace

TRAINHOST_DEFINE(Counting, {.kind = "op_pack", .name = "counting", .version = "1.0.0", .summary = "for tests: counts calls of gelu", .schema = kSchema})
TRAINHOST_DEFINE(Rival, {.kind = "op_pack", .name = "rival", .version = "1.0.0", .summary = "for tests: replaces what counting replaces", .schema = kSchema})
TRAINHOST_PLUGINS(Counting, Rival)
