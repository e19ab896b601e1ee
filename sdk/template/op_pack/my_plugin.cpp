// relu by another kernel of ATen, on the CPU.
//
// An op pack says which operators of ATen it replaces, under which dispatch key, and by what function. The engine registers the replacements at the
// dispatcher before the run and takes them back after it, so that every model gains from them, without a change of its own. A replacement under "CPU" or
// "CUDA" stands below autograd and needs no gradient of its own; one under "AutogradCPU" or "AutogradCUDA" brings its own.
#include <ATen/ops/clamp_min.h>

#include <trainhost/torch/op_pack.h>
#include <trainhost/plugin.hpp>

namespace {

namespace t2 = trainhost::t2;

// The arguments and the result are those of the operator's schema: relu(Tensor self) -> Tensor. It must not call the operator that it replaces.
at::Tensor relu(const at::Tensor& self) { return at::clamp_min(self, 0); }

class MyPlugin final : public t2::OpPack {
 public:
  // Two packs that claim the same operator under the same key are an error, unless the config orders them. is_bit_exact: the same bits as ATen's kernel;
  // the policy fp32 refuses others.
  MyPlugin() {
    replacements_.push_back({.op = "aten::relu",
                             .overload = "",
                             .dispatch_key = "CPU",
                             .kernel = c10::KernelFunction::makeFromUnboxedRuntimeFunction(&relu),
                             .is_bit_exact = true});
  }

  std::span<const t2::OpReplacement> replacements() override { return replacements_; }

 private:
  std::vector<t2::OpReplacement> replacements_;
};

}  // namespace

TRAINHOST_PLUGIN(MyPlugin, {
  .kind = "op_pack",
  .name = "my_plugin",
  .version = "1.0.0",
  .summary = "relu on the CPU by another kernel of ATen",
})
