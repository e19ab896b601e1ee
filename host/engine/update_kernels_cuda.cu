// One block each: there is next to nothing to compute, a launch is what it costs.
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "engine/update_kernels.h"

namespace trainhost {
namespace {

constexpr int kThreads = 256;

// Always in the same order of additions.
__device__ double sum_of_block(double mine) {
  __shared__ double parts[kThreads];
  parts[threadIdx.x] = mine;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    __syncthreads();
  }
  return parts[0];
}

__global__ void decide(UpdateRule rule, UpdateMemory memory) {
  double squares = 0;
  for (int64_t i = threadIdx.x; i < memory.num_norms; i += kThreads) squares += static_cast<double>(memory.norms[i]) * memory.norms[i];
  const double norm = sqrt(sum_of_block(squares));
  for (int64_t i = threadIdx.x; i < memory.num_sums; i += kThreads) memory.row[UpdateRow::kLossSum + i] = memory.sums[i];
  if (threadIdx.x == 0) decide_update(rule, memory, norm);
}

__global__ void conclude(UpdateRule rule, UpdateMemory memory) { conclude_update(rule, memory); }

}  // namespace

void decide_update_on_gpu(const UpdateRule& rule, const UpdateMemory& memory) {
  decide<<<1, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(rule, memory);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void conclude_update_on_gpu(const UpdateRule& rule, const UpdateMemory& memory) {
  conclude<<<1, 1, 0, c10::cuda::getCurrentCUDAStream()>>>(rule, memory);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace trainhost
