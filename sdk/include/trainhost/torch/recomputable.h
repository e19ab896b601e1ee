// Optional beside Model: activations that are computed again in the backward pass instead of being kept. recompute.h has the function that does it.
#pragma once

namespace trainhost::t2 {

// Interface "trainhost.torch.recomputable/1": a pointer to Recomputable. A model without it is refused where the config says [model] recompute = "blocks".
class Recomputable {
 public:
  static constexpr const char* kInterface = "trainhost.torch.recomputable/1";
  virtual ~Recomputable() = default;

  // Before build, once: forward in train mode keeps of each block of the model no more than what goes into it. Losses and gradients stay the same. A model
  // that cannot do it for these weights or fields says so here or in build: PluginError INVALID_ARGUMENT with the reason.
  virtual void recompute_blocks() = 0;
};

}  // namespace trainhost::t2
