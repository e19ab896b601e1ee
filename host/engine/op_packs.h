// Op packs: checks what they replace, registers it at LibTorch's dispatcher, and takes it back.
#pragma once
#include <memory>

#include "engine/engine.h"

namespace trainhost {

class Device;

/// As Engine::register_op_packs() says.
std::unique_ptr<RegisteredOps> register_op_packs(const OpPackSetup& setup, const trainhost_precision_plan& plan, Device& device);

/// As Engine::replaced_kernels() says.
std::vector<ReplacedKernel> replaced_kernels(const OpPackSetup& setup, Device& device);

}  // namespace trainhost
