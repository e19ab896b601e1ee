// The CUDA side of the device interface in a build without CUDA: there is none.
#include "engine/device.h"

namespace trainhost {

int num_cuda_devices() { return 0; }

std::unique_ptr<Device> make_cuda_device(int index) {
  throw Error(ExitCode::kConfig, format("device: got cuda:{}, this build has no CUDA; use device = \"cpu\" or build with -DTRAINHOST_CUDA=ON", index));
}

}  // namespace trainhost
