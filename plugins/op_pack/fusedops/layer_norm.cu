// One warp a row, whose numbers stay in registers. Backward reads input and gradient once: each warp also sums its rows for the gradients of weight and bias.
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <type_traits>

#include "kernel_tools.cuh"

namespace fusedops {
namespace {

constexpr int kWarps = 4, kThreads = 32 * kWarps;
constexpr int kStep = 8;  // neighbours of one lane
constexpr int64_t kMostBlocks = 264;

template <class T>
__device__ void load(const T* from, float (&to)[kStep]) {
  constexpr int kSize = Pack<T>::kSize;
#pragma unroll
  for (int part = 0; part < kStep / kSize; ++part) {
    const Pack<T> pack = reinterpret_cast<const Pack<T>*>(from)[part];
#pragma unroll
    for (int k = 0; k < kSize; ++k) to[part * kSize + k] = to_float(pack.values[k]);
  }
}

template <class T>
__device__ void store(const float (&from)[kStep], T* to) {
  constexpr int kSize = Pack<T>::kSize;
#pragma unroll
  for (int part = 0; part < kStep / kSize; ++part) {
    Pack<T> pack;
#pragma unroll
    for (int k = 0; k < kSize; ++k) pack.values[k] = from_float<T>(from[part * kSize + k]);
    reinterpret_cast<Pack<T>*>(to)[part] = pack;
  }
}

/// kParts: pieces of 32 lanes x kStep numbers that a row has at most.
template <int kParts, class In, class Out>
__global__ void __launch_bounds__(kThreads) forward(NormRows rows, float epsilon, Out* output) {
  const int64_t r = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32;
  if (r >= rows.rows) return;
  const int64_t first = threadIdx.x % 32 * kStep;
  const In* input = static_cast<const In*>(rows.input) + r * rows.width;
  float x[kParts][kStep], sum = 0;
#pragma unroll
  for (int p = 0; p < kParts; ++p) {
    if (first + p * 32 * kStep >= rows.width) continue;
    load(input + first + p * 32 * kStep, x[p]);
#pragma unroll
    for (int k = 0; k < kStep; ++k) sum += x[p][k];
  }
  const float width = static_cast<float>(rows.width), mean = rows.means ? warp_sum(sum) / width : 0.0F;
  float squares = 0;
#pragma unroll
  for (int p = 0; p < kParts; ++p) {
    if (first + p * 32 * kStep >= rows.width) continue;
#pragma unroll
    for (int k = 0; k < kStep; ++k) squares += (x[p][k] - mean) * (x[p][k] - mean);
  }
  const float inverse = rsqrtf(warp_sum(squares) / width + epsilon);
  if (threadIdx.x % 32 == 0) {
    if (rows.means) rows.means[r] = mean;
    rows.inverse_deviations[r] = inverse;
  }
#pragma unroll
  for (int p = 0; p < kParts; ++p) {
    const int64_t at = first + p * 32 * kStep;
    if (at >= rows.width) continue;
    float weight[kStep], bias[kStep], y[kStep];
    if (rows.weight) load(rows.weight + at, weight);
    if (rows.bias) load(rows.bias + at, bias);
#pragma unroll
    for (int k = 0; k < kStep; ++k) y[k] = (x[p][k] - mean) * inverse * (rows.weight ? weight[k] : 1.0F) + (rows.bias ? bias[k] : 0.0F);
    store(y, output + r * rows.width + at);
  }
}

/// Warp after warp adds its sums, so that they are always in the same order.
template <int kParts>
__device__ void add_over_block(const float (&sums)[kParts][kStep], int64_t width, float* out) {
  __shared__ float block_sums[NormRows::kMostWidth];
  for (int warp = 0; warp < kWarps; ++warp) {
    if (threadIdx.x / 32 == warp) {
#pragma unroll
      for (int p = 0; p < kParts; ++p) {
        const int64_t at = threadIdx.x % 32 * kStep + p * 32 * kStep;
        if (at >= width) continue;
#pragma unroll
        for (int k = 0; k < kStep; ++k) block_sums[at + k] = (warp > 0 ? block_sums[at + k] : 0.0F) + sums[p][k];
      }
    }
    __syncthreads();
  }
  for (int64_t i = threadIdx.x; i < width; i += kThreads) out[i] = block_sums[i];
  __syncthreads();
}

template <int kParts, class In, class Out>
__global__ void __launch_bounds__(kThreads) backward(NormRows rows, const Out* output_gradient, In* input_gradient, float* partial_sums) {
  const int64_t first = threadIdx.x % 32 * kStep;
  float weight_sums[kParts][kStep] = {}, bias_sums[kParts][kStep] = {};
  for (int64_t r = int64_t{blockIdx.x} * kWarps + threadIdx.x / 32; r < rows.rows; r += int64_t{gridDim.x} * kWarps) {
    const float mean = rows.means ? rows.means[r] : 0.0F, inverse = rows.inverse_deviations[r];
    float normal[kParts][kStep], scaled[kParts][kStep], sum = 0, product = 0;
#pragma unroll
    for (int p = 0; p < kParts; ++p) {
      const int64_t at = first + p * 32 * kStep;
      if (at >= rows.width) continue;
      float x[kStep], dy[kStep], weight[kStep];
      load(static_cast<const In*>(rows.input) + r * rows.width + at, x);
      load(output_gradient + r * rows.width + at, dy);
      if (rows.weight) load(rows.weight + at, weight);
#pragma unroll
      for (int k = 0; k < kStep; ++k) {
        normal[p][k] = (x[k] - mean) * inverse;
        scaled[p][k] = dy[k] * (rows.weight ? weight[k] : 1.0F);
        sum += scaled[p][k];
        product += scaled[p][k] * normal[p][k];
        weight_sums[p][k] += dy[k] * normal[p][k];
        bias_sums[p][k] += dy[k];
      }
    }
    const float width = static_cast<float>(rows.width);
    sum = rows.means ? warp_sum(sum) / width : 0.0F;
    product = warp_sum(product) / width;
#pragma unroll
    for (int p = 0; p < kParts; ++p) {
      const int64_t at = first + p * 32 * kStep;
      if (at >= rows.width) continue;
      float dx[kStep];
#pragma unroll
      for (int k = 0; k < kStep; ++k) dx[k] = (scaled[p][k] - sum - normal[p][k] * product) * inverse;
      store(dx, input_gradient + r * rows.width + at);
    }
  }
  add_over_block(weight_sums, rows.width, partial_sums + int64_t{blockIdx.x} * rows.width);
  add_over_block(bias_sums, rows.width, partial_sums + (int64_t{gridDim.x} + blockIdx.x) * rows.width);
}

/// Calls `f` with the number of pieces of a row as a constant.
template <class F>
void with_parts(int64_t width, const F& f) {
  const int64_t parts = (width + 32 * kStep - 1) / (32 * kStep);
  if (parts <= 1) return f(std::integral_constant<int, 1>());
  if (parts <= 3) return f(std::integral_constant<int, 3>());
  if (parts <= 4) return f(std::integral_constant<int, 4>());
  f(std::integral_constant<int, 8>());
}

/// float16 is left to ATen: each format more is as many kernels again.
template <class F>
void with_norm_type(Format format, const F& f) {
  format == Format::kFloat32 ? f(float()) : f(__nv_bfloat16());
}

template <class F>
void with_types(const NormRows& rows, const F& f) {
  with_norm_type(rows.input_format,
                 [&](auto in) { with_norm_type(rows.output_format, [&](auto out) { with_parts(rows.width, [&](auto parts) { f(in, out, parts); }); }); });
}

}  // namespace

void layer_norm_forward(const NormRows& rows, double epsilon, void* output) {
  if (rows.rows == 0) return;
  with_types(rows, [&](auto in, auto out, auto parts) {
    using Out = decltype(out);
    forward<parts.value, decltype(in), Out><<<static_cast<unsigned>((rows.rows + kWarps - 1) / kWarps), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        rows, static_cast<float>(epsilon), static_cast<Out*>(output));
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

int64_t layer_norm_backward_blocks(int64_t rows) {
  const int64_t blocks = (rows + kWarps - 1) / kWarps;
  return blocks < kMostBlocks ? (blocks > 0 ? blocks : 1) : kMostBlocks;
}

void layer_norm_backward(const NormRows& rows, const void* output_gradient, void* input_gradient, float* partial_sums) {
  with_types(rows, [&](auto in, auto out, auto parts) {
    using In = decltype(in);
    using Out = decltype(out);
    backward<parts.value, In, Out><<<static_cast<unsigned>(layer_norm_backward_blocks(rows.rows)), kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(
        rows, static_cast<const Out*>(output_gradient), static_cast<In*>(input_gradient), partial_sums);
    C10_CUDA_KERNEL_LAUNCH_CHECK();
  });
}

}  // namespace fusedops
