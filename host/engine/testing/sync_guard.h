// While it lives, operators of LibTorch that make the host wait for the GPU throw.
#pragma once
#include <string>

#if TRAINHOST_CUDA
#include <c10/cuda/CUDAFunctions.h>
#endif

namespace trainhost::engine_testing {

#if TRAINHOST_CUDA
class SyncGuard {
 public:
  explicit SyncGuard(const std::string& device) {
    if (device != "cpu") c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_ERROR);
  }
  ~SyncGuard() { c10::cuda::warning_state().set_sync_debug_mode(c10::cuda::SyncDebugMode::L_DISABLED); }
};
#else
class SyncGuard {
 public:
  explicit SyncGuard(const std::string&) {}
  ~SyncGuard() {}
};
#endif

}  // namespace trainhost::engine_testing
