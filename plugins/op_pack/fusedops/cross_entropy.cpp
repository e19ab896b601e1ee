// The operator's signature, what falls back, and the autograd function.
#include "cross_entropy.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss_native.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "format.h"
#include "kernels.h"
#include "padding.h"

namespace fusedops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Weight = std::optional<at::Tensor>;

bool is_loss_taken(const at::Tensor& logits, const at::Tensor& target, const Weight& weight, double label_smoothing) {
  return logits.is_cuda() && logits.dim() == 2 && logits.size(1) > 0 && format_of(logits.scalar_type()) && target.dim() == 1 && target.scalar_type() == at::kLong &&
         target.is_cuda() && target.size(0) == logits.size(0) && !(weight && weight->defined()) && label_smoothing == 0;
}

/// From one row to the next; of a single row the tensor's own stride says nothing.
int64_t row_stride(const at::Tensor& logits) { return logits.size(0) > 1 ? logits.stride(0) : logits.size(1); }

/// Dense, or with the padding of a product between rows; the gradient gets the same.
bool has_taken_rows(const at::Tensor& logits) {
  return (logits.stride(1) == 1 || logits.size(1) == 1) && row_stride(logits) >= logits.size(1) && row_stride(logits) <= padded(logits.size(1));
}

CrossEntropyRows rows_of(const at::Tensor& logits, const at::Tensor& target, int64_t ignored, const at::Tensor& losses, const at::Tensor& log_sums) {
  return {*format_of(logits.scalar_type()), logits.const_data_ptr(), target.const_data_ptr<int64_t>(), logits.size(0), logits.size(1), row_stride(logits), ignored,
          losses.defined() ? losses.mutable_data_ptr<float>() : nullptr, log_sums.mutable_data_ptr<float>()};
}

struct Loss : torch::autograd::Function<Loss> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& any_logits, const at::Tensor& any_target, int64_t reduction, int64_t ignored, at::ScalarType result) {
    const at::Tensor logits = has_taken_rows(any_logits) ? any_logits : any_logits.contiguous(), target = any_target.contiguous();
    const at::Tensor losses = at::empty({logits.size(0)}, logits.options().dtype(at::kFloat)), log_sums = at::empty_like(losses);
    cross_entropy_forward(rows_of(logits, target, ignored, losses, log_sums));
    at::Tensor count;
    if (reduction == at::Reduction::Mean) count = target.ne(ignored).sum().to(at::kFloat);
    context->save_for_backward({logits, target, log_sums, count});
    context->saved_data["ignored"] = ignored;
    const at::Tensor loss = reduction == at::Reduction::None ? losses : reduction == at::Reduction::Sum ? losses.sum() : losses.sum().div(count);
    return loss.to(result);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &logits = saved[0], &target = saved[1], &log_sums = saved[2], &count = saved[3];
    at::Tensor of_rows = gradients[0].to(at::kFloat);
    if (count.defined()) of_rows = of_rows.div(count);
    of_rows = of_rows.contiguous();
    const at::Tensor whole = at::empty({logits.size(0), row_stride(logits)}, logits.options()), out = whole.narrow(1, 0, logits.size(1));
    if (row_stride(logits) > logits.size(1)) note_zero_padded(whole);
    cross_entropy_backward(rows_of(logits, target, context->saved_data["ignored"].toInt(), {}, log_sums), of_rows.const_data_ptr<float>(), of_rows.dim(), out.mutable_data_ptr());
    return {out, {}, {}, {}, {}};
  }
};

at::Tensor loss_below_autocast(const at::Tensor& logits, const at::Tensor& target, const Weight& weight, int64_t reduction, c10::SymInt ignored, double label_smoothing) {
  if (!is_loss_taken(logits, target, weight, label_smoothing)) return at::native::cross_entropy_loss_symint(logits, target, weight, reduction, ignored, label_smoothing);
  return Loss::apply(logits, target, reduction, ignored.expect_int(), logits.scalar_type());
}

at::Tensor loss_under_autocast(const at::Tensor& logits, const at::Tensor& target, const Weight& weight, int64_t reduction, c10::SymInt ignored, double label_smoothing) {
  const c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCUDA);
  if (is_loss_taken(logits, target, weight, label_smoothing)) return Loss::apply(logits, target, reduction, ignored.expect_int(), at::kFloat);
  return at::native::cross_entropy_loss_symint(logits.is_floating_point() ? logits.to(at::kFloat) : logits, target.is_floating_point() ? target.to(at::kFloat) : target,
                                               weight && weight->defined() ? Weight(weight->to(at::kFloat)) : weight, reduction, ignored, label_smoothing);
}

}  // namespace

std::vector<trainhost::t2::OpReplacement> cross_entropy() {
  using trainhost::t2::replacement;
  return {replacement<&loss_below_autocast>("aten::cross_entropy_loss", "", "AutogradCUDA"), replacement<&loss_under_autocast>("aten::cross_entropy_loss", "", "AutocastCUDA")};
}

}  // namespace fusedops
