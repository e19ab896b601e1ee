// What the kernels share: numbers of a format as floats, 16 bytes at a time, sums over a warp.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "kernels.h"

namespace fusedops {

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(__half x) { return __half2float(x); }
__device__ inline float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) { return x; }
template <>
__device__ inline __half from_float<__half>(float x) { return __float2half_rn(x); }
template <>
__device__ inline __nv_bfloat16 from_float<__nv_bfloat16>(float x) { return __float2bfloat16_rn(x); }

/// 16 bytes of numbers.
template <class T>
struct alignas(16) Pack {
  static constexpr int kSize = 16 / sizeof(T);
  T values[kSize];
};

__device__ inline float warp_sum(float x) {
  for (int other = 16; other > 0; other /= 2) x += __shfl_xor_sync(~0U, x, other);
  return x;
}

/// Calls `f` with a value of the format's type.
template <class F>
void with_type(Format format, const F& f) {
  switch (format) {
    case Format::kFloat32: return f(float());
    case Format::kFloat16: return f(__half());
    case Format::kBFloat16: return f(__nv_bfloat16());
  }
}

}  // namespace fusedops
