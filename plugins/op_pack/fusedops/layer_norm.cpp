// The operator's signature, what falls back, and the autograd function.
#include "layer_norm.h"

#include <memory>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm_native.h>
#include <torch/csrc/autograd/custom_function.h>

#include "autocast.h"
#include "format.h"
#include "kernels.h"

namespace fusedops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

at::Tensor tensor_or_none(const MaybeTensor& tensor) { return tensor && tensor->defined() ? *tensor : at::Tensor(); }

/// Dense, beginning on the 16 bytes that the kernels read at a time.
at::Tensor aligned(const at::Tensor& tensor) {
  if (!tensor.defined()) return tensor;
  const at::Tensor dense = tensor.contiguous();
  return reinterpret_cast<uintptr_t>(dense.const_data_ptr()) % 16 == 0 ? dense : dense.clone();
}

bool is_format_taken(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }
bool is_scale_taken(const at::Tensor& scale) { return !scale.defined() || (scale.scalar_type() == at::kFloat && scale.is_cuda()); }

bool is_norm_taken(const at::Tensor& input, size_t num_axes, const at::Tensor& weight, const at::Tensor& bias) {
  if (!input.is_cuda() || num_axes != 1 || input.dim() < 1 || !is_format_taken(input.scalar_type()) || !is_scale_taken(weight) || !is_scale_taken(bias)) return false;
  const int64_t width = input.size(-1);
  return width > 0 && width <= NormRows::kMostWidth && width % NormRows::kWidthStep == 0 && (!weight.defined() || weight.numel() == width) &&
         (!bias.defined() || bias.numel() == width);
}

NormRows rows_of(const at::Tensor& input, at::ScalarType output, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& means, const at::Tensor& inverses) {
  const auto data = [](const at::Tensor& scale) { return scale.defined() ? scale.const_data_ptr<float>() : nullptr; };
  const int64_t width = input.size(-1);
  return {*format_of(input.scalar_type()), *format_of(output), input.const_data_ptr(), data(weight), data(bias), input.numel() / width, width,
          means.mutable_data_ptr<float>(), inverses.mutable_data_ptr<float>()};
}

struct Norm : torch::autograd::Function<Norm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& any_input, const MaybeTensor& any_weight, const MaybeTensor& any_bias, double epsilon, at::ScalarType result) {
    const at::Tensor input = aligned(any_input), weight = aligned(tensor_or_none(any_weight)), bias = aligned(tensor_or_none(any_bias));
    const at::Tensor means = at::empty({input.numel() / input.size(-1)}, input.options().dtype(at::kFloat)), inverses = at::empty_like(means);
    const at::Tensor output = at::empty(input.sizes(), input.options().dtype(result));
    layer_norm_forward(rows_of(input, result, weight, bias, means, inverses), epsilon, output.mutable_data_ptr());
    context->save_for_backward({input, weight, means, inverses});
    context->saved_data["has_bias"] = bias.defined();
    return output;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], &means = saved[2], &inverses = saved[3];
    const at::Tensor gradient = aligned(gradients[0]), out = at::empty_like(input);
    const NormRows rows = rows_of(input, gradient.scalar_type(), weight, {}, means, inverses);
    const at::Tensor sums = at::empty({2, layer_norm_backward_blocks(rows.rows), rows.width}, means.options());
    layer_norm_backward(rows, gradient.const_data_ptr(), out.mutable_data_ptr(), sums.mutable_data_ptr<float>());
    const at::Tensor of_scales = weight.defined() || context->saved_data["has_bias"].toBool() ? sums.sum(1) : at::Tensor();
    return {out, weight.defined() ? of_scales.select(0, 0) : at::Tensor(), context->saved_data["has_bias"].toBool() ? of_scales.select(0, 1) : at::Tensor(), {}, {}};
  }
};

at::Tensor norm_below_autocast(const at::Tensor& input, c10::SymIntArrayRef shape, const MaybeTensor& weight, const MaybeTensor& bias, double epsilon, bool cudnn_enable) {
  if (!is_norm_taken(input, shape.size(), tensor_or_none(weight), tensor_or_none(bias))) return at::native::layer_norm_symint(input, shape, weight, bias, epsilon, cudnn_enable);
  return Norm::apply(input, weight, bias, epsilon, input.scalar_type());
}

template <bool kKeepsFloat32>
at::Tensor norm_under_autocast(const at::Tensor& input, c10::SymIntArrayRef shape, const MaybeTensor& weight, const MaybeTensor& bias, double epsilon, bool cudnn_enable) {
  const auto wanted = at::autocast::get_autocast_dtype(c10::DeviceType::CUDA);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCUDA);
  if (is_format_taken(wanted) && is_norm_taken(input, shape.size(), tensor_or_none(weight), tensor_or_none(bias)))
    return Norm::apply(input, weight, bias, epsilon, kKeepsFloat32 ? at::kFloat : wanted);
  const auto full = [](const MaybeTensor& scale) { return scale && scale->defined() ? MaybeTensor(scale->to(at::kFloat)) : scale; };
  return at::native::layer_norm_symint(input.is_floating_point() ? input.to(at::kFloat) : input, shape, full(weight), full(bias), epsilon, cudnn_enable);
}

}  // namespace

std::vector<trainhost::t2::OpReplacement> layer_norm(bool keeps_float32) {
  using trainhost::t2::replacement;
  return {replacement<&norm_below_autocast>("aten::layer_norm", "", "AutogradCUDA"),
          keeps_float32 ? replacement<&norm_under_autocast<true>>("aten::layer_norm", "", "AutocastCUDA")
                        : replacement<&norm_under_autocast<false>>("aten::layer_norm", "", "AutocastCUDA")};
}

}  // namespace fusedops
