// One block a row. Forward reads the logits once and keeps one number a row; backward reads them once more and writes the gradient: the chain of ATen's
// kernels under autocast moves five times as many bytes.
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <cmath>

#include "kernel_tools.cuh"

namespace fusedops {
namespace {

/// The largest value and the sum of exponentials over it (Milakov and Gimelshein, Online normalizer calculation for softmax, 2018). A NaN stays in the sum.
struct Online {
  float most = -INFINITY, sum = 0;

  __device__ void rise_to(float value) {
    if (value > most) {
      sum *= __expf(most - value);
      most = value;
    }
  }
  __device__ void add(float value) {
    rise_to(value);
    sum += value == -INFINITY ? 0.0F : __expf(value - most);
  }
  __device__ void add(const Online& other) {
    rise_to(other.most);
    if (other.sum != 0 || other.sum != other.sum) sum += other.sum * __expf(other.most - most);
  }
};

__device__ Online over_warp(Online mine) {
  for (int other = 16; other > 0; other /= 2) mine.add(Online{__shfl_xor_sync(~0U, mine.most, other), __shfl_xor_sync(~0U, mine.sum, other)});
  return mine;
}

__device__ Online over_block(Online mine) {
  __shared__ Online parts[32];
  mine = over_warp(mine);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x < 32) parts[threadIdx.x] = over_warp(threadIdx.x < blockDim.x / 32 ? parts[threadIdx.x] : Online());
  __syncthreads();
  return parts[0];
}

/// Elements of a row before the first that lies on 16 bytes.
template <class T>
__device__ int64_t head_of(const T* row, int64_t classes) {
  const auto place = reinterpret_cast<uintptr_t>(row);
  const auto head = static_cast<int64_t>((16 - place % 16) % 16 / sizeof(T));
  return head < classes ? head : classes;
}

template <class T>
__global__ void forward(CrossEntropyRows rows) {
  const int64_t r = blockIdx.x;
  const T* row = static_cast<const T*>(rows.logits) + r * rows.stride;
  constexpr int kSize = Pack<T>::kSize;
  const int64_t head = head_of(row, rows.classes), num_packs = (rows.classes - head) / kSize;
  const auto* packs = reinterpret_cast<const Pack<T>*>(row + head);
  Online mine;
  for (int64_t i = threadIdx.x; i < num_packs; i += blockDim.x) {
    const Pack<T> pack = packs[i];
    float most = to_float(pack.values[0]);
#pragma unroll
    for (int k = 1; k < kSize; ++k) most = fmaxf(most, to_float(pack.values[k]));
    mine.rise_to(most);
    if (mine.most != -INFINITY) {
#pragma unroll
      for (int k = 0; k < kSize; ++k) mine.sum += __expf(to_float(pack.values[k]) - mine.most);
    }
  }
  for (int64_t i = threadIdx.x; i < head; i += blockDim.x) mine.add(to_float(row[i]));
  for (int64_t i = head + num_packs * kSize + threadIdx.x; i < rows.classes; i += blockDim.x) mine.add(to_float(row[i]));
  const Online all = over_block(mine);
  if (threadIdx.x > 0) return;
  const int64_t target = rows.targets[r];
  const float log_sum = all.most + logf(all.sum);
  CUDA_KERNEL_ASSERT(target == rows.ignored || (target >= 0 && target < rows.classes));
  rows.log_sums[r] = log_sum;
  rows.losses[r] = target == rows.ignored ? 0.0F : (all.most - to_float(row[target])) + logf(all.sum);  // small losses keep their digits
}

template <class T>
__global__ void backward(CrossEntropyRows rows, const float* row_gradients, int64_t stride, T* gradients) {
  const int64_t r = blockIdx.x, target = rows.targets[r];
  const T* row = static_cast<const T*>(rows.logits) + r * rows.stride;
  T* out = gradients + r * rows.stride;
  const bool counts = target != rows.ignored;
  const float log_sum = rows.log_sums[r], scale = counts ? row_gradients[r * stride] : 0.0F;
  const auto gradient = [&](float logit, int64_t i) { return counts ? (__expf(logit - log_sum) - (i == target ? 1.0F : 0.0F)) * scale : 0.0F; };
  constexpr int kSize = Pack<T>::kSize;
  int64_t head = head_of(row, rows.classes), num_packs = (rows.classes - head) / kSize;
  if (head_of(out, rows.classes) != head) head = 0, num_packs = 0;  // one of the two is no whole allocation
  const auto* packs = reinterpret_cast<const Pack<T>*>(row + head);
  auto* out_packs = reinterpret_cast<Pack<T>*>(out + head);
  for (int64_t i = threadIdx.x; i < num_packs; i += blockDim.x) {
    Pack<T> pack = packs[i];
#pragma unroll
    for (int k = 0; k < kSize; ++k) pack.values[k] = from_float<T>(gradient(to_float(pack.values[k]), head + i * kSize + k));
    out_packs[i] = pack;
  }
  for (int64_t i = threadIdx.x; i < head; i += blockDim.x) out[i] = from_float<T>(gradient(to_float(row[i]), i));
  for (int64_t i = rows.classes + threadIdx.x; i < rows.stride; i += blockDim.x) out[i] = from_float<T>(0);
  for (int64_t i = head + num_packs * kSize + threadIdx.x; i < rows.classes; i += blockDim.x) out[i] = from_float<T>(gradient(to_float(row[i]), i));
}

int threads_for(int64_t classes) { return classes <= 512 ? 64 : classes <= 8192 ? 256 : 512; }

}  // namespace

void cross_entropy_forward(const CrossEntropyRows& rows) {
  if (rows.rows == 0) return;
  with_type(rows.format, [&](auto type) {
    forward<decltype(type)><<<static_cast<unsigned>(rows.rows), threads_for(rows.classes), 0, c10::cuda::getCurrentCUDAStream()>>>(rows);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

void cross_entropy_backward(const CrossEntropyRows& rows, const float* row_gradients, int64_t row_gradient_stride, void* gradients) {
  if (rows.rows == 0) return;
  with_type(rows.format, [&](auto type) {
    using T = decltype(type);
    backward<T><<<static_cast<unsigned>(rows.rows), threads_for(rows.classes), 0, c10::cuda::getCurrentCUDAStream()>>>(rows, row_gradients, row_gradient_stride,
                                                                                                                    static_cast<T*>(gradients));
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

}  // namespace fusedops
