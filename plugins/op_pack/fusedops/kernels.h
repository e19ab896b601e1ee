// Launchers of the kernels, in the current CUDA stream. Pointers are of the device, tensors dense. None waits.
#pragma once
#include <cstdint>

namespace fusedops {

enum class Format { kFloat32, kFloat16, kBFloat16 };

/// Logits [rows, classes], of which a row begins `stride` numbers behind the one before. losses and log_sums: float32 [rows]; a row whose target is `ignored`
/// has loss 0.
struct CrossEntropyRows {
  Format format;
  const void* logits;
  const int64_t* targets;
  int64_t rows, classes, stride, ignored;
  float* losses;
  float* log_sums;  // log of the sum of exponentials
};
void cross_entropy_forward(const CrossEntropyRows& rows);
/// row_gradients: float32, of row r at r * row_gradient_stride. Reads log_sums, writes `gradients` in the format and with the
/// stride of the logits, and zeros between its rows.
void cross_entropy_backward(const CrossEntropyRows& rows, const float* row_gradients, int64_t row_gradient_stride, void* gradients);

/// Rows of `width` <= kMostWidth, a multiple of kWidthStep; float32 or bfloat16. weight and bias: float32 or null.
struct NormRows {
  static constexpr int64_t kMostWidth = 2048, kWidthStep = 8;
  Format input_format, output_format;
  const void* input;
  const float *weight, *bias;
  int64_t rows, width;
  float *means, *inverse_deviations;  // float32 [rows]; means is null for RMS norm
};
void layer_norm_forward(const NormRows& rows, double epsilon, void* output);
/// Blocks whose sums layer_norm_backward() leaves in partial_sums, float32 [2, num_blocks, width]: of the weight's gradient, then of the bias's.
int64_t layer_norm_backward_blocks(int64_t rows);
void layer_norm_backward(const NormRows& rows, const void* output_gradient, void* input_gradient, float* partial_sums);

}  // namespace fusedops
