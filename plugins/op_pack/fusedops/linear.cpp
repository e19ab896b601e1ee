// The padded product and its gradients.
#include "linear.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include "autocast.h"
#include "padding.h"

namespace fusedops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using MaybeTensor = std::optional<at::Tensor>;

constexpr int64_t kWorthwhile = 1 << 20;  // numbers of a weight; below, the copy costs what the product gains

bool is_product_taken(const at::Tensor& input, const at::Tensor& weight, at::ScalarType compute) {
  return input.is_cuda() && weight.is_cuda() && weight.dim() == 2 && input.dim() >= 2 && input.is_floating_point() && input.scalar_type() != at::kDouble &&
         weight.is_floating_point() && weight.scalar_type() != at::kDouble && c10::elementSize(compute) == 2 && weight.size(0) % kRowStep != 0 &&
         weight.size(1) % kRowStep == 0 && weight.numel() >= kWorthwhile && input.numel() > 0;
}

/// The weight's rows and zeros behind them.
at::Tensor padded_rows(const at::Tensor& values, at::ScalarType format) {
  std::vector<int64_t> sizes = values.sizes().vec();
  sizes[0] = padded(sizes[0]);
  const at::Tensor out = at::empty(sizes, values.options().dtype(format));
  out.narrow(0, 0, values.size(0)).copy_(values);
  out.narrow(0, values.size(0), sizes[0] - values.size(0)).zero_();
  return out;
}

struct PaddedProduct : torch::autograd::Function<PaddedProduct> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight, const MaybeTensor& bias) {
    const at::Tensor rows = input.reshape({-1, weight.size(1)}), whole = padded_rows(weight, input.scalar_type());
    const bool has_bias = bias && bias->defined();
    const at::Tensor product = has_bias ? at::addmm(padded_rows(*bias, input.scalar_type()), rows, whole.t()) : at::mm(rows, whole.t());
    context->save_for_backward({rows, whole});
    context->saved_data["outputs"] = weight.size(0);
    context->saved_data["weight_format"] = static_cast<int64_t>(weight.scalar_type());
    context->saved_data["bias_format"] = static_cast<int64_t>(has_bias ? bias->scalar_type() : at::kFloat);
    context->saved_data["has_bias"] = has_bias;
    std::vector<int64_t> sizes = input.sizes().vec();
    sizes.back() = whole.size(0);
    return product.view(sizes).narrow(-1, 0, weight.size(0));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &rows = saved[0], &whole = saved[1];
    const int64_t outputs = context->saved_data["outputs"].toInt();
    const auto format_of = [&](const char* name) { return static_cast<at::ScalarType>(context->saved_data[name].toInt()); };
    const at::Tensor gradient = gradients[0].reshape({-1, outputs}), all = zero_padded(gradient);
    std::vector<int64_t> sizes = gradients[0].sizes().vec();
    sizes.back() = whole.size(1);
    variable_list out(3);
    if (context->needs_input_grad(0)) out[0] = at::mm(all, whole).view(sizes);
    if (context->needs_input_grad(1)) out[1] = at::mm(all.t(), rows).narrow(0, 0, outputs).to(format_of("weight_format"));
    if (context->saved_data["has_bias"].toBool()) out[2] = gradient.sum(0).to(format_of("bias_format"));
    return out;
  }
};

at::Tensor product_under_autocast(const at::Tensor& input, const at::Tensor& weight, const MaybeTensor& bias) {
  const at::ScalarType compute = at::autocast::get_autocast_dtype(c10::DeviceType::CUDA);
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCUDA);
  const auto cast = [&](const at::Tensor& tensor) { return at::autocast::cached_cast(compute, tensor, c10::DeviceType::CUDA); };
  if (is_product_taken(input, weight, compute)) return PaddedProduct::apply(cast(input), weight, bias);
  return at::linear(cast(input), cast(weight), bias && bias->defined() ? MaybeTensor(cast(*bias)) : bias);
}

}  // namespace

std::vector<trainhost::t2::OpReplacement> linear() { return {trainhost::t2::replacement<&product_under_autocast>("aten::linear", "", "AutocastCUDA")}; }

}  // namespace fusedops
