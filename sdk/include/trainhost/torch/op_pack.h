// Op packs: other kernels for ATen operators, so that any model gains from them.
#pragma once

#include <ATen/core/boxing/KernelFunction.h>
#include <ATen/core/dispatch/CppSignature.h>

#include <optional>
#include <span>
#include <utility>

#include "trainhost/torch/capture_aware.h"
#include "trainhost/torch/types.h"

namespace trainhost::t2 {

// One replaced kernel: op "aten::linear", overload "" or "out", dispatch_key "CUDA", "AutogradCUDA", "CPU", ... The engine registers it at the dispatcher
// before the model is built and takes it back before the pack is destroyed. Two claimants of one (op, overload, key) are an error that names both, unless
// [op_pack] order of the config names them: then the later one wins.
struct OpReplacement {
  std::string op, overload, dispatch_key;
  c10::KernelFunction kernel;
  bool is_bit_exact = false;  // the same bits as the kernel that it replaces, forward and backward: strict fp32 refuses others
  std::optional<c10::impl::CppSignature> signature = {};  // of the kernel's function; without it nothing checks that it fits the operator
};

// A replacement by a plain function with the operator's C++ signature, as <ATen/ops/NAME_ops.h> has it; the engine refuses a function with another one.
template <auto kFunction>
OpReplacement replacement(std::string op, std::string overload, std::string dispatch_key, bool is_bit_exact = false) {
  using Function = std::remove_pointer_t<decltype(kFunction)>;
  return {std::move(op), std::move(overload), std::move(dispatch_key),
          c10::KernelFunction::makeFromUnboxedFunction(c10::CompileTimeFunctionPointer<Function, kFunction>()), is_bit_exact,
          c10::impl::CppSignature::make<Function>()};
}

// Interface "trainhost.torch.op_pack/1": a pointer to OpPack.
class OpPack : public Plugin {
 public:
  static constexpr std::string_view kKind = "op_pack";
  static constexpr const char* kInterface = "trainhost.torch.op_pack/1";

  // What this pack replaces on this machine with this config. After start; the same answer each time. What the kernels use lives as long as the pack.
  virtual std::span<const OpReplacement> replacements() = 0;

  const void* interface(std::string_view id) override {
    if (id == kInterface) return static_cast<OpPack*>(this);
    if (id == CaptureAware::kInterface) return dynamic_cast<CaptureAware*>(this);
    return nullptr;
  }
};

}  // namespace trainhost::t2
