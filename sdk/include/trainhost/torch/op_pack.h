// Op packs: other kernels for ATen operators, so that any model gains from them.
#pragma once

#include <ATen/core/boxing/KernelFunction.h>

#include <span>

#include "trainhost/torch/capture_aware.h"
#include "trainhost/torch/types.h"

namespace trainhost::t2 {

// One replaced kernel: op "aten::linear", overload "" or "out", dispatch_key "CUDA", "AutogradCUDA", "CPU", ... The engine registers it at the dispatcher
// and takes it back at the end. Two claimants of one (op, overload, key) are an error that names both, unless the config orders them.
struct OpReplacement {
  std::string op, overload, dispatch_key;
  c10::KernelFunction kernel;
  bool is_bit_exact = false;  // the same bits as the kernel that it replaces: strict fp32 refuses others
};

// Interface "trainhost.torch.op_pack/1": a pointer to OpPack.
class OpPack : public Plugin {
 public:
  static constexpr std::string_view kKind = "op_pack";
  static constexpr const char* kInterface = "trainhost.torch.op_pack/1";

  // What this pack replaces on this machine with this config. After start; the same answer each time.
  virtual std::span<const OpReplacement> replacements() = 0;

  const void* interface(std::string_view id) override {
    if (id == kInterface) return static_cast<OpPack*>(this);
    if (id == CaptureAware::kInterface) return dynamic_cast<CaptureAware*>(this);
    return nullptr;
  }
};

}  // namespace trainhost::t2
